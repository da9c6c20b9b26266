//! The words that rules look for: folded (lower case, no accents), whole words.

/// Said before a command, and part of none.
pub(super) const FILLERS: &[&str] = &[
    "eva",
    "ever",
    "iva",
    "ei",
    "oi",
    "ola",
    "alo",
    "bom",
    "boa",
    "dia",
    "tarde",
    "noite",
    "por",
    "favor",
    "agora",
    "entao",
    "ja",
    "pode",
    "poderia",
    "podes",
    "consegue",
    "voce",
    "eu",
    "quero",
    "queria",
    "gostaria",
    "desejo",
    "preciso",
    "de",
    "vamos",
    "ok",
    "beleza",
    "urgente",
    "rapido",
    "gentileza",
    "me",
    "ajuda",
    "ajude",
    "a",
];

/// Turn a question mark into courtesy.
pub(super) const POLITE: &[&str] = &["pode", "poderia", "podes", "consegue", "favor", "gentileza"];

/// Imperatives and infinitives that begin a charge. No participles: "iniciado" tells, it does not ask.
pub(super) const START: &[&str] = &[
    "iniciar",
    "inicia",
    "inicie",
    "inicio",
    "comecar",
    "comeca",
    "comece",
    "ligar",
    "liga",
    "ligue",
    "ativar",
    "ativa",
    "ative",
    "liberar",
    "libera",
    "libere",
    "carregar",
    "carrega",
    "carregue",
    "recarregar",
    "recarrega",
    "recarregue",
    "abastecer",
    "abastece",
    "abasteca",
];

/// Those of them that need no object.
pub(super) const CHARGE_VERBS: &[&str] = &[
    "carregar",
    "carrega",
    "carregue",
    "recarregar",
    "recarrega",
    "recarregue",
    "abastecer",
    "abastece",
    "abasteca",
];

/// Imperatives and infinitives that end a charge.
pub(super) const STOP: &[&str] = &[
    "parar",
    "para",
    "pare",
    "encerrar",
    "encerra",
    "encerre",
    "terminar",
    "termina",
    "termine",
    "finalizar",
    "finaliza",
    "finalize",
    "interromper",
    "interrompe",
    "interrompa",
    "cancelar",
    "cancela",
    "cancele",
    "desligar",
    "desliga",
    "desligue",
    "acabar",
    "acaba",
    "acabe",
    "suspender",
    "suspende",
    "suspenda",
];

/// Those of them that need no object.
pub(super) const STOP_ALONE: &[&str] =
    &["parar", "pare", "para", "encerrar", "encerre", "interrompa"];

/// A charge.
pub(super) const CHARGES: &[&str] = &[
    "carregamento",
    "carregamentos",
    "recarga",
    "recargas",
    "carga",
    "cargas",
    "sessao",
    "abastecimento",
];

/// A station.
pub(super) const STATIONS: &[&str] = &[
    "posto",
    "postos",
    "carregador",
    "carregadores",
    "estacao",
    "estacoes",
    "ponto",
    "pontos",
    "eletroposto",
    "eletropostos",
    "totem",
    "totens",
    "terminal",
    "vaga",
    "vagas",
    "wallbox",
];

/// A connector.
pub(super) const CONNECTORS: &[&str] = &[
    "conector",
    "conectores",
    "plugue",
    "plug",
    "tomada",
    "tomadas",
    "cabo",
    "bico",
    "saida",
];

/// What is charged.
pub(super) const VEHICLES: &[&str] = &["carro", "veiculo", "moto", "onibus", "caminhao", "bateria"];

/// Stand between a verb and its object.
pub(super) const DETERMINERS: &[&str] = &[
    "o",
    "a",
    "os",
    "as",
    "um",
    "uma",
    "meu",
    "minha",
    "meus",
    "minhas",
    "este",
    "esta",
    "esse",
    "essa",
    "aquele",
    "nosso",
    "nossa",
    "de",
    "do",
    "da",
    "dos",
    "das",
    "no",
    "na",
    "nos",
    "nas",
    "em",
    "ao",
    "novo",
    "nova",
    "agora",
    "ja",
    "por",
    "favor",
    "aqui",
    "la",
    "ai",
    "imediatamente",
    "logo",
    "urgente",
    "eva",
    "com",
];

/// Stand before a station that is named by its number alone.
pub(super) const AT: &[&str] = &["no", "na", "do", "da", "ao", "numero"];

/// Stand between a noun and its number.
pub(super) const NUMBER_SIGNS: &[&str] = &["numero", "num", "n", "no", "nro"];

/// Follow a number that counts and names nothing.
pub(super) const COUNTED: &[&str] = &[
    "minuto",
    "minutos",
    "min",
    "hora",
    "horas",
    "h",
    "dia",
    "dias",
    "segundo",
    "segundos",
    "semana",
    "semanas",
    "mes",
    "meses",
    "real",
    "reais",
    "centavos",
    "kwh",
    "kw",
    "quilowatt",
    "quilowatts",
    "por",
    "porcento",
    "km",
    "quilometros",
    "vezes",
    "carregadores",
    "postos",
    "carros",
];

/// Deny what follows or went before.
pub(super) const NOT: &[&str] = &["nao", "nunca", "jamais", "nem", "num", "tampouco"];

/// "Sem problema".
pub(super) const NONE: &[&str] = &["sem", "nenhum", "nenhuma", "zero", "nao"];

/// Make a sentence a case, a report, a wish for later or a thought. "Se", "caso", "ele disse para".
pub(super) const CONDITIONS: &[&str] = &[
    "se",
    "caso",
    "talvez",
    "imagina",
    "imagine",
    "supondo",
    "seria",
    "saber",
    "antes",
    "ia",
    "iria",
    "vou",
    "vai",
    "acho",
    "disse",
    "falou",
    "mandou",
    "pediu",
    "dizer",
    "quando",
    "ate",
    "enquanto",
    "assim",
    "porem",
    "mas",
    "duvida",
    "explica",
    "explique",
    "ensina",
    "instrucoes",
];

/// Plans, which this assistant does not keep.
pub(super) const TIMES: &[&str] = &[
    "amanha",
    "depois",
    "daqui",
    "ontem",
    "agendar",
    "agenda",
    "agende",
    "programar",
    "programa",
    "programe",
    "segunda",
    "terca",
    "quarta",
    "quinta",
    "sexta",
    "sabado",
    "domingo",
    "horas",
    "minutos",
    "semana",
    "mes",
    "proxima",
    "ultimos",
    "historico",
    "cedo",
    "madrugada",
];

/// Ask.
pub(super) const QUESTIONS: &[&str] = &[
    "quando", "qual", "quais", "onde", "como", "quem", "sera", "porque", "que", "tem", "ha",
    "existe", "existem", "posso", "devo", "cade",
];

/// Ask for an amount.
pub(super) const HOW_MUCH: &[&str] = &["quanto", "quantos", "quanta", "quantas"];

/// Price and bill.
pub(super) const COST: &[&str] = &[
    "custo", "custos", "custa", "custam", "custou", "custando", "custaria", "preco", "precos",
    "valor", "valores", "tarifa", "tarifas", "gasto", "gastos", "gastei", "gastar", "gastando",
    "pagar", "pago", "paguei", "pagando", "pagarei", "cobrado", "cobrando", "cobram", "cobra",
    "conta", "fatura", "dinheiro", "reais", "caro", "barato", "saindo",
];

/// How something is.
pub(super) const STATUS: &[&str] = &[
    "status",
    "situacao",
    "estado",
    "disponivel",
    "disponiveis",
    "disponibilidade",
    "livre",
    "livres",
    "ocupado",
    "ocupados",
    "ocupada",
    "vago",
    "vagos",
    "funcionando",
    "operando",
    "online",
    "offline",
    "carregando",
    "carregado",
    "conectado",
    "perto",
    "proximo",
    "proximos",
    "progresso",
    "andamento",
];

/// How far a charge is.
pub(super) const PROGRESS: &[&str] = &[
    "falta",
    "faltam",
    "terminou",
    "acabou",
    "porcentagem",
    "porcento",
    "completo",
];

/// Ask to see.
pub(super) const SHOW: &[&str] = &[
    "mostrar",
    "mostra",
    "mostre",
    "listar",
    "lista",
    "liste",
    "ver",
    "consultar",
    "consulta",
    "consulte",
    "procurar",
    "procura",
    "procure",
    "buscar",
    "busca",
    "busque",
    "encontrar",
    "encontra",
    "encontre",
    "verificar",
    "verifica",
    "verifique",
];

/// A defect, named.
pub(super) const PROBLEMS: &[&str] = &[
    "problema",
    "problemas",
    "defeito",
    "defeitos",
    "defeituoso",
    "quebrado",
    "quebrada",
    "quebrou",
    "quebraram",
    "estragado",
    "estragada",
    "estragou",
    "danificado",
    "danificada",
    "falha",
    "falhas",
    "falhou",
    "erro",
    "erros",
    "travado",
    "travada",
    "travou",
    "preso",
    "presa",
    "vandalizado",
    "vandalismo",
    "queimado",
    "queimada",
    "queimou",
    "fumaca",
    "fogo",
    "choque",
    "faisca",
    "vazamento",
    "rachado",
    "rachada",
    "reclamacao",
    "reclamar",
    "denunciar",
    "denuncia",
    "arrancado",
    "cortado",
    "sujo",
    "bloqueado",
    "bloqueada",
];

/// Ask to put it on record.
pub(super) const REPORT: &[&str] = &[
    "reportar",
    "reporta",
    "reporte",
    "relatar",
    "relata",
    "relate",
    "registrar",
    "avisar",
];

/// What a station should do: with a "não" before it, a defect.
pub(super) const FUNCTIONS: &[&str] = &[
    "funciona",
    "funcionam",
    "funcionando",
    "funcionou",
    "carrega",
    "carregam",
    "carregando",
    "carregou",
    "liga",
    "ligou",
    "ligando",
    "inicia",
    "iniciou",
    "iniciando",
    "comeca",
    "comecou",
    "consigo",
    "conseguindo",
    "consegui",
    "responde",
    "respondeu",
    "reconhece",
    "reconheceu",
    "encaixa",
    "encaixou",
    "solta",
    "soltou",
    "destrava",
    "destravou",
    "aceita",
    "aceitou",
    "le",
];

/// "Parou …"
pub(super) const BROKE_OFF: &[&str] = &["parou", "desligou", "caiu", "apagou", "interrompeu"];

/// "… de funcionar", "… sozinho".
pub(super) const BREAKDOWNS: &[&str] = &[
    "funcionar",
    "carregar",
    "responder",
    "sozinho",
    "sozinha",
    "nada",
    "repente",
    "energia",
];

/// A report about money.
pub(super) const ABOUT_PAYMENT: &[&str] = &[
    "cobranca",
    "cobrado",
    "cobrou",
    "cobraram",
    "pagamento",
    "preco",
    "valor",
    "recibo",
    "nota",
    "cartao",
    "pix",
    "estorno",
];

/// A report about the thing itself.
pub(super) const ABOUT_HARDWARE: &[&str] = &[
    "quebrado",
    "quebrada",
    "quebrou",
    "estragado",
    "estragada",
    "danificado",
    "danificada",
    "cabo",
    "conector",
    "plugue",
    "plug",
    "tomada",
    "tela",
    "visor",
    "botao",
    "fumaca",
    "fogo",
    "choque",
    "faisca",
    "queimado",
    "queimou",
    "rachado",
    "rachada",
    "vandalizado",
    "arrancado",
    "cortado",
];

/// A report about the place.
pub(super) const ABOUT_ACCESS: &[&str] = &[
    "bloqueado",
    "bloqueada",
    "fechado",
    "fechada",
    "escuro",
    "escura",
    "sujo",
    "estacionado",
    "vaga",
    "acesso",
    "portao",
];

/// Yes.
pub(super) const YES: &[&str] = &[
    "sim",
    "confirmo",
    "confirma",
    "confirmar",
    "confirmado",
    "isso",
    "claro",
    "positivo",
    "certeza",
    "exato",
    "exatamente",
    "ok",
    "okay",
    "pode",
    "certo",
    "perfeito",
    "autorizo",
    "concordo",
    "aceito",
];

/// May stand beside a yes.
pub(super) const YES_FILLERS: &[&str] = &[
    "eva",
    "por",
    "favor",
    "eu",
    "mesmo",
    "com",
    "ta",
    "esta",
    "tudo",
    "bem",
    "entao",
    "o",
    "a",
    "carregamento",
    "recarga",
    "iniciar",
    "inicie",
    "inicia",
    "comecar",
    "comece",
    "carregar",
    "ai",
    "senhora",
    "obrigado",
    "obrigada",
    "agora",
];

/// No.
pub(super) const NO: &[&str] = &[
    "nao",
    "negativo",
    "nunca",
    "jamais",
    "nem",
    "cancela",
    "cancelar",
    "cancele",
    "cancelado",
    "deixa",
    "deixe",
    "esquece",
    "esqueca",
    "para",
    "pare",
    "parar",
    "errado",
    "errada",
    "espera",
    "espere",
    "desisto",
    "desistir",
];

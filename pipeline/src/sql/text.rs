//! What the text of a query may cost before anything can end it.
//!
//! Parsing and naming run in one step, which no timeout reaches, and both can be made to take for ever by a line of
//! text: the parser reads the argument of a function twice, and that of a function within it four times; a CTE that
//! reads another one twice is planned twice as often; and each rule of the planner is followed by a check that looks at
//! a query within an expression twice, and at one within that four times.

use std::any::TypeId;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, Query, Select, SelectItem, Statement, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::SqlError;
use super::check::own_statement;
use crate::views;

/// Keywords, operators, brackets and commas of one query text. A condition of thousands of terms is a tree as deep,
/// which parser and planner walk by recursion, some of it in quadratic time: this bounds the stack.
const WEIGHT_MAX: usize = 1_000;
/// Elements of all lists of literals behind IN, which weigh nothing else.
const LISTED_MAX: usize = 25_000;
/// Expressions that the parser may begin to read, those that it reads again included.
const EXPRESSIONS_MAX: u32 = 100_000;
/// Tables that a query may read, each counted as often as a CTE that reads it is read.
const TABLES_MAX: u64 = 50;
/// Parts of a plan: tables that are read, each of those behind a view and a CTE, and queries within expressions. A part
/// counts twice in a query within an expression, four times in one within that.
const PARTS_MAX: u64 = 500;
/// Tables whose columns `*` may stand for, counted the same way over every `*`.
const STARRED_MAX: u64 = 64;

/// Refuses a text that would take long to parse.
pub(super) fn is_readable(query: &str) -> Result<(), SqlError> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, query).tokenize();
    let tokens = tokens.map_err(|e| SqlError::Invalid(e.to_string()))?;
    let Weight { weight, listed } = Weight::of(&tokens);
    if WEIGHT_MAX < weight {
        return Err(SqlError::TooComplex(format!(
            "query has {weight} keywords, operators, brackets and commas, at most {WEIGHT_MAX} are allowed"
        )));
    }
    if LISTED_MAX < listed {
        return Err(SqlError::TooComplex(format!(
            "query lists {listed} values behind IN, at most {LISTED_MAX} are allowed"
        )));
    }
    let dialect = Counting::default();
    let parsed = Parser::new(&dialect).with_tokens(tokens).parse_statements();
    // The parser may have tried something else since, and end with the error of that.
    let is_over = EXPRESSIONS_MAX < dialect.begun.into_inner();
    if is_over || matches!(parsed, Err(ParserError::RecursionLimitExceeded)) {
        return Err(too_deep());
    }
    // Any other error is for the parser proper to tell.
    Ok(())
}

pub(super) fn too_deep() -> SqlError {
    SqlError::TooComplex("query nests too deeply".to_owned())
}

#[derive(Default)]
struct Weight {
    weight: usize,
    listed: usize,
}

impl Weight {
    fn of(tokens: &[Token]) -> Self {
        let mut sum = Self::default();
        // Whether the innermost bracket is that of `IN (1, 2, …)`.
        let mut brackets = Vec::new();
        let mut before = None;
        for token in tokens {
            match token {
                Token::Whitespace(_) => continue,
                Token::LParen => brackets.push(before == Some(Keyword::IN)),
                Token::RParen => drop(brackets.pop()),
                _ => {}
            }
            match token {
                Token::Comma if brackets.last() == Some(&true) => sum.listed += 1,
                Token::Word(word) if word.keyword == Keyword::NoKeyword => {}
                Token::Number(..)
                | Token::SingleQuotedString(_)
                | Token::Period
                | Token::Placeholder(_) => {}
                _ => sum.weight += 1,
            }
            before = match token {
                Token::Word(word) => Some(word.keyword),
                _ => None,
            };
        }
        sum
    }
}

/// PostgreSQL's dialect, which stops a parser that begins to read too many expressions.
#[derive(Debug, Default)]
struct Counting {
    begun: AtomicU32,
}

macro_rules! as_postgres {
    ($($method:ident($($name:ident: $of:ty),*) -> $answer:ty;)*) => {
        $(fn $method(&self, $($name: $of),*) -> $answer {
            PostgreSqlDialect {}.$method($($name),*)
        })*
    };
}

impl Dialect for Counting {
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn parse_prefix(&self, _: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        // The one error after which the parser seldom tries to read something else.
        let begun = self.begun.fetch_add(1, Ordering::Relaxed);
        (EXPRESSIONS_MAX < begun).then_some(Err(ParserError::RecursionLimitExceeded))
    }

    as_postgres! {
        identifier_quote_style(identifier: &str) -> Option<char>;
        is_delimited_identifier_start(c: char) -> bool;
        is_identifier_start(c: char) -> bool;
        is_identifier_part(c: char) -> bool;
        is_reserved_for_identifier(keyword: Keyword) -> bool;
        is_custom_operator_part(c: char) -> bool;
        get_next_precedence(parser: &Parser<'_>) -> Option<Result<u8, ParserError>>;
        prec_value(precedence: Precedence) -> u8;
        supports_unicode_string_literal() -> bool;
        supports_filter_during_aggregation() -> bool;
        supports_group_by_expr() -> bool;
        allow_extract_custom() -> bool;
        allow_extract_single_quotes() -> bool;
        supports_factorial_operator() -> bool;
        supports_bitwise_shift_operators() -> bool;
        supports_named_fn_args_with_colon_operator() -> bool;
        supports_named_fn_args_with_expr_name() -> bool;
        supports_empty_projections() -> bool;
        supports_nested_comments() -> bool;
        supports_string_escape_constant() -> bool;
        supports_numeric_literal_underscores() -> bool;
        supports_array_typedef_with_brackets() -> bool;
        supports_geometric_types() -> bool;
        supports_notnull_operator() -> bool;
        supports_interval_options() -> bool;
        supports_select_wildcard_with_alias() -> bool;
        supports_comma_separated_trim() -> bool;
        supports_xml_expressions() -> bool;
    }
}

/// Refuses a statement that would become a plan of too many parts.
pub(super) fn is_plannable(statement: &Statement) -> Result<(), SqlError> {
    let mut reads = Reads::with(&VIEWS);
    let _: ControlFlow<()> = statement.visit(&mut reads);
    let Reads { read, starred, .. } = reads;
    let Read { tables, parts } = read;
    if TABLES_MAX < tables {
        return Err(SqlError::TooComplex(format!(
            "query reads {tables} tables, its CTEs counted as often as they are read, at most {TABLES_MAX} are allowed"
        )));
    }
    if PARTS_MAX < parts {
        return Err(SqlError::TooComplex(format!(
            "query is planned as {parts} parts, at most {PARTS_MAX} are allowed: a table is one, also behind a view or a CTE, and counts twice in a query within an expression, four times in one within that"
        )));
    }
    if STARRED_MAX < starred {
        return Err(SqlError::TooComplex(format!(
            "the asterisks of the query stand for the columns of {starred} tables, at most {STARRED_MAX} are allowed"
        )));
    }
    Ok(())
}

/// The parts of each view; none reads another one.
static VIEWS: LazyLock<HashMap<&'static str, u64>> = LazyLock::new(|| {
    let tables = HashMap::new();
    let parts = |view: views::View| {
        let mut reads = Reads::with(&tables);
        if let Ok(statement) = own_statement(&view.sql) {
            let _: ControlFlow<()> = statement.visit(&mut reads);
        }
        (view.name, reads.read.parts)
    };
    views::all().into_iter().map(parts).collect()
});

/// What is read by a query, or by part of it.
#[derive(Clone, Copy, Default)]
struct Read {
    /// Named.
    tables: u64,
    /// Planned.
    parts: u64,
}

/// Counts while it walks: what a CTE reads is known before anything reads it.
struct Reads<'a> {
    /// The parts of each view.
    views: &'a HashMap<&'static str, u64>,
    /// Read in what is being walked, outside of the CTEs.
    read: Read,
    starred: u64,
    /// By name, what a CTE reads: the most, where one name means several.
    ctes: HashMap<String, Read>,
    /// The CTEs that are to come, by the place of their query.
    named: HashMap<*const Query, String>,
    /// `read` before each query that is being walked.
    queries: Vec<Read>,
    /// The tables of `read` before each SELECT that is being walked.
    selects: Vec<u64>,
    /// Expressions with a query in them that are being walked, one within the other.
    within: u32,
}

impl<'a> Reads<'a> {
    fn with(views: &'a HashMap<&'static str, u64>) -> Self {
        Self {
            views,
            read: Read::default(),
            starred: 0,
            ctes: HashMap::new(),
            named: HashMap::new(),
            queries: Vec::new(),
            selects: Vec::new(),
            within: 0,
        }
    }

    /// How often what is being walked is looked at.
    fn times(&self) -> u64 {
        1_u64.checked_shl(self.within).unwrap_or(u64::MAX)
    }

    fn plans(&mut self, parts: u64) {
        let parts = parts.saturating_mul(self.times());
        self.read.parts = self.read.parts.saturating_add(parts);
    }
}

fn has_query(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. }
    )
}

impl Visitor for Reads<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = cte.alias.name.value.to_lowercase();
            self.named.insert(std::ptr::from_ref(&*cte.query), name);
        }
        self.queries.push(self.read);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let before = self.queries.pop().unwrap_or_default();
        if let Some(name) = self.named.remove(&std::ptr::from_ref(query)) {
            let parts = self.read.parts.saturating_sub(before.parts) / self.times();
            let reads = self.ctes.entry(name).or_default();
            reads.tables = (self.read.tables.saturating_sub(before.tables)).max(reads.tables);
            reads.parts = parts.max(reads.parts);
            self.read = before;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if has_query(expr) {
            self.within += 1;
            self.plans(1);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if has_query(expr) {
            self.within -= 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.selects.push(self.read.tables);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let before = self.selects.pop().unwrap_or_default();
        let stars = select.projection.iter().filter(|item| {
            matches!(
                item,
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
            )
        });
        let read = self.read.tables.saturating_sub(before);
        let starred = read.saturating_mul(stars.count() as u64);
        self.starred = self.starred.saturating_add(starred);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = relation.0.last().and_then(|part| part.as_ident());
        let name = name.map(|name| name.value.to_lowercase());
        let cte = name.as_ref().and_then(|name| self.ctes.get(name)).copied();
        let Read { tables, parts } = cte.unwrap_or_else(|| Read {
            tables: 1,
            parts: name.map_or(1, |name| self.views.get(&*name).copied().unwrap_or(1)),
        });
        // A CTE that reads no table is planned all the same.
        self.read.tables = self.read.tables.saturating_add(tables.max(1));
        self.plans(parts.max(1));
        ControlFlow::Continue(())
    }
}

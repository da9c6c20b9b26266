//! `information_schema`: the engine's, with PostgreSQL's names of types and the columns that clients ask of it.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use datafusion::catalog::information_schema::InformationSchemaProvider;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast, col, lit, when};
use datafusion::prelude::{SessionContext, starts_with};

use super::CATALOG;

const NAME: &str = "information_schema";
const COLUMNS: &str = "columns";

/// A type of the engine, the type in PostgreSQL's words, and the name it has in the catalog.
const TYPES: [(&str, &str, &str); 10] = [
    ("Utf8View", "text", "text"),
    ("Utf8", "text", "text"),
    ("LargeUtf8", "text", "text"),
    ("Int16", "smallint", "int2"),
    ("Int32", "integer", "int4"),
    ("Int64", "bigint", "int8"),
    ("Float32", "real", "float4"),
    ("Float64", "double precision", "float8"),
    ("Boolean", "boolean", "bool"),
    ("Date32", "date", "date"),
];
/// Those that say more behind their name.
const FAMILIES: [(&str, &str, &str); 4] = [
    ("Decimal", "numeric", "numeric"),
    ("Time64", "time without time zone", "time"),
    ("Interval", "interval", "interval"),
    ("List", "ARRAY", "_text"),
];

/// Gives `session` the schema in `catalog`.
pub(super) fn register(session: &SessionContext, catalog: &dyn CatalogProvider) -> Result<()> {
    let catalogs = Arc::downgrade(session.state().catalog_list());
    catalog.register_schema(NAME, Arc::new(Information { catalogs }))?;
    Ok(())
}

/// Made anew at each question: what is in the catalogs may have changed. It is in one of them itself, and so does not hold
/// them.
#[derive(Debug)]
struct Information {
    catalogs: Weak<dyn CatalogProviderList>,
}

impl Information {
    fn engines(&self) -> Option<InformationSchemaProvider> {
        self.catalogs.upgrade().map(InformationSchemaProvider::new)
    }
}

#[async_trait]
impl SchemaProvider for Information {
    fn table_names(&self) -> Vec<String> {
        self.engines()
            .map_or_else(Vec::new, |engines| engines.table_names())
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(engines) = self.engines() else {
            return Ok(None);
        };
        match engines.table(name).await? {
            Some(table) if name == COLUMNS => columns(table).map(Some),
            table => Ok(table),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.engines()
            .is_some_and(|engines| engines.table_exist(name))
    }
}

fn columns(engines: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    let names: Vec<_> = engines
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let known = names.into_iter().map(|name| match name.as_str() {
        "data_type" => Ok(named_type(|(_, words, _)| words)?.alias(name)),
        "numeric_precision" | "numeric_scale" | "ordinal_position" => {
            Ok(cast(col(&name), arrow::datatypes::DataType::Int32).alias(name))
        }
        _ => Ok(col(name)),
    });
    let mut shown = known.collect::<Result<Vec<_>>>()?;
    let nothing = || lit(datafusion::scalar::ScalarValue::Utf8(None));
    shown.extend([
        lit(CATALOG).alias("udt_catalog"),
        lit("pg_catalog").alias("udt_schema"),
        named_type(|(_, _, name)| name)?.alias("udt_name"),
        nothing().alias("collation_name"),
        nothing().alias("domain_name"),
        nothing().alias("identity_generation"),
        nothing().alias("generation_expression"),
        lit("NO").alias("is_identity"),
        lit("NEVER").alias("is_generated"),
        lit("NO").alias("is_updatable"),
    ]);
    let plan = LogicalPlanBuilder::scan(COLUMNS, provider_as_source(engines), None)?
        .project(shown)?
        .build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

type Named = (&'static str, &'static str, &'static str);

/// What `of` says of the type; the engine's word where PostgreSQL has none.
fn named_type(of: fn(Named) -> &'static str) -> Result<Expr> {
    let engines = || col("data_type");
    let zoned = starts_with(engines(), lit("Timestamp(")).and(engines().like(lit("%\"%")));
    let unzoned = starts_with(engines(), lit("Timestamp("));
    let mut words = when(
        zoned,
        lit(of(("", "timestamp with time zone", "timestamptz"))),
    );
    words = words.when(
        unzoned,
        lit(of(("", "timestamp without time zone", "timestamp"))),
    );
    for named in FAMILIES {
        words = words.when(starts_with(engines(), lit(named.0)), lit(of(named)));
    }
    for named in TYPES {
        words = words.when(engines().eq(lit(named.0)), lit(of(named)));
    }
    words.otherwise(engines())
}

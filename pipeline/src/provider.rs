//! A fact table as one tenant's queries see it: files and rows in memory, without a seam.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringViewArray};
use arrow::compute::filter_record_batch;
use arrow::compute::kernels::cmp::eq;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown, col, lit};
use datafusion::physical_expr::expressions::{Column, binary, lit as lit_value};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::union::UnionExec;
use object_store::path::Path;

use crate::delta::{DataFile, Files};
use crate::hot::{Shared, Snapshot};

const TENANT_COLUMN: usize = 0;

/// A fact table, seen by one tenant.
pub(crate) struct FactTable {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tenant: String,
}

impl std::fmt::Debug for FactTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.shared.table)
    }
}

#[async_trait]
impl TableProvider for FactTable {
    fn schema(&self) -> SchemaRef {
        self.shared.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // They choose files here and reach the Parquet reader through the optimizer; rows are filtered above.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Snapshot { files, hot } = self.shared.snapshot();
        let schema = self.schema();
        let projection = projection
            .cloned()
            .unwrap_or_else(|| (0..schema.fields().len()).collect());
        let files = self.chosen(state, &schema, &files, filters)?;
        let (own, mixed): (Vec<_>, Vec<_>) = files
            .into_iter()
            .partition(|file| file.tenant.as_ref() == Some(&self.tenant));

        let mut inputs = Vec::new();
        if !own.is_empty() {
            inputs.push(parquet(state, &schema, &own, projection.clone(), limit)?);
        }
        if !mixed.is_empty() {
            inputs.push(self.filtered(state, &schema, &mixed, &projection)?);
        }
        let hot = self.own_rows(&hot)?;
        if !hot.is_empty() {
            let share = hot.len().div_ceil(state.config().target_partitions());
            let partitions: Vec<Vec<RecordBatch>> = hot.chunks(share).map(<[_]>::to_vec).collect();
            let source = MemorySourceConfig::try_new(
                &partitions,
                Arc::clone(&schema),
                Some(projection.clone()),
            )?;
            inputs.push(DataSourceExec::from_data_source(source.with_limit(limit)));
        }
        match inputs.len() {
            0 => Ok(Arc::new(EmptyExec::new(Arc::new(
                schema.project(&projection)?,
            )))),
            1 => Ok(inputs.remove(0)),
            _ => UnionExec::try_new(inputs),
        }
    }
}

impl FactTable {
    /// The files that may hold rows of this tenant which pass `filters`.
    fn chosen(
        &self,
        state: &dyn Session,
        schema: &SchemaRef,
        files: &Files,
        filters: &[Expr],
    ) -> Result<Vec<DataFile>> {
        let tenant = col("tenant").eq(lit(self.tenant.as_str()));
        let all = filters.iter().cloned().chain([tenant]);
        let keep = match conjunction(all) {
            Some(predicate) => {
                let df_schema = DFSchema::try_from(schema.as_ref().clone())?;
                let predicate = state.create_physical_expr(predicate, &df_schema)?;
                PruningPredicateBuilder::new()
                    .with_file_schema(Arc::clone(schema))
                    .try_build(predicate)?
                    .prune(files)?
            }
            None => vec![true; files.all.len()],
        };
        let kept = files.all.iter().zip(keep).filter(|(_, keep)| *keep);
        Ok(kept.map(|(file, _)| file.clone()).collect())
    }

    /// Files with rows of several tenants, behind a filter of their own.
    fn filtered(
        &self,
        state: &dyn Session,
        schema: &SchemaRef,
        files: &[DataFile],
        projection: &[usize],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut read = projection.to_vec();
        let tenant = projection
            .iter()
            .position(|column| *column == TENANT_COLUMN);
        let tenant = tenant.unwrap_or_else(|| {
            read.push(TENANT_COLUMN);
            projection.len()
        });
        let input = parquet(state, schema, files, read, None)?;
        let of_tenant = binary(
            Arc::new(Column::new("tenant", tenant)),
            Operator::Eq,
            lit_value(ScalarValue::Utf8View(Some(self.tenant.clone()))),
            &input.schema(),
        )?;
        let kept = FilterExecBuilder::new(of_tenant, input)
            .apply_projection(Some((0..projection.len()).collect()))?
            .build()?;
        Ok(Arc::new(kept))
    }

    fn own_rows(&self, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
        let tenant = StringViewArray::new_scalar(&self.tenant);
        let mut own = Vec::with_capacity(batches.len());
        for batch in batches {
            let mask = eq(batch.column(TENANT_COLUMN).as_string_view(), &tenant)?;
            match mask.true_count() {
                0 => {}
                rows if rows == batch.num_rows() => own.push(batch.clone()),
                _ => own.push(filter_record_batch(batch, &mask)?),
            }
        }
        Ok(own)
    }
}

fn parquet(
    state: &dyn Session,
    schema: &SchemaRef,
    files: &[DataFile],
    projection: Vec<usize>,
    limit: Option<usize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let (date, data) = schema
        .fields()
        .split_last()
        .expect("`date` is the last column");
    let file_schema = Arc::new(Schema::new(data.to_vec()));
    let table_schema = TableSchema::builder(file_schema)
        .with_table_partition_cols(vec![Arc::clone(date)])
        .build();
    let source = ParquetSource::new(table_schema)
        .with_table_parquet_options(state.table_options().parquet.clone())
        .with_pushdown_filters(true)
        .with_reorder_filters(true);
    let mut parts = Vec::with_capacity(files.len());
    for file in files {
        let location = Path::from_absolute_path(&file.path)
            .map_err(|e| DataFusionError::External(Box::new(e)))?;
        let mut part = PartitionedFile::new(String::new(), file.len)
            .with_partition_values(vec![ScalarValue::Date32(Some(file.date))]);
        part.object_meta.location = location;
        parts.push(part);
    }
    let groups = FileGroup::new(parts).split_files(state.config().target_partitions());
    let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
        .with_file_groups(groups)
        .with_projection_indices(Some(projection))?
        .with_limit(limit)
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

//! Planning that can be ended.
//!
//! A plan is rewritten by some dozens of rules, several times, in one step that no abort reaches. Before each of
//! them, and at every node that a rule is led to, the rule asks whether its query goes on.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{AnalyzerRule, OptimizerConfig, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

use super::stoppable::End;

tokio::task_local! {
    /// Of the query that this task plans.
    static END: End;
}

/// Runs `work`, whose planning stops at `end`.
pub(super) async fn until<T>(end: End, work: impl Future<Output = T>) -> T {
    END.scope(end, work).await
}

/// An error when the query of this task has ended; a session is prepared for no query.
fn check() -> Result<()> {
    END.try_with(End::plans).unwrap_or(Ok(()))
}

/// The same session, whose planning can be ended.
pub(super) fn endable(state: SessionState) -> SessionState {
    let ask = Arc::new(Ask);
    let analyzer = state.analyzer().rules.iter().flat_map(|rule| {
        let ask: Arc<dyn AnalyzerRule + Send + Sync> = ask.clone();
        [ask, Arc::clone(rule)]
    });
    let optimizer = state
        .optimizers()
        .iter()
        .map(|rule| Arc::new(Asking(Arc::clone(rule))) as Arc<dyn OptimizerRule + Send + Sync>);
    let physical = state.physical_optimizers().iter().flat_map(|rule| {
        let ask: Arc<dyn PhysicalOptimizerRule + Send + Sync> = ask.clone();
        [ask, Arc::clone(rule)]
    });
    let (analyzer, optimizer, physical) =
        (analyzer.collect(), optimizer.collect(), physical.collect());
    SessionStateBuilder::new_from_existing(state)
        .with_analyzer_rules(analyzer)
        .with_optimizer_rules(optimizer)
        .with_physical_optimizer_rules(physical)
        .build()
}

/// Changes nothing, and fails once the query has ended.
#[derive(Debug)]
struct Ask;

impl AnalyzerRule for Ask {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        check().map(|()| plan)
    }

    fn name(&self) -> &str {
        "ask"
    }
}

impl PhysicalOptimizerRule for Ask {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        check().map(|()| plan)
    }

    fn name(&self) -> &str {
        "ask"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A rule that fails once the query has ended.
#[derive(Debug)]
struct Asking(Arc<dyn OptimizerRule + Send + Sync>);

impl OptimizerRule for Asking {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        check()?;
        self.0.rewrite(plan, config)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use datafusion::prelude::SessionContext;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::sql::SqlError;
    use crate::sql::stoppable::Counts;

    /// A client that gives up while its query is planned.
    #[derive(Debug)]
    struct GivesUp(CancellationToken);

    impl OptimizerRule for GivesUp {
        fn name(&self) -> &str {
            "gives_up"
        }

        fn rewrite(
            &self,
            plan: LogicalPlan,
            _: &dyn OptimizerConfig,
        ) -> Result<Transformed<LogicalPlan>> {
            self.0.cancel();
            Ok(Transformed::no(plan))
        }
    }

    #[tokio::test]
    async fn planning_stops_where_its_query_ends() {
        let counts = Arc::<Counts>::default();
        let end = End::after(Duration::from_secs(3_600), Arc::clone(&counts));
        let gives_up = Arc::new(GivesUp(end.given_up.clone()));
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_analyzer_rules(Vec::new())
            .with_optimizer_rules(vec![gives_up.clone(), gives_up])
            .build();
        let session = SessionContext::new_with_state(endable(state));
        let planned = until(end, async {
            let frame = session.sql("SELECT 1").await?;
            frame.into_optimized_plan()
        });
        let error = planned.await.unwrap_err();
        assert!(matches!(SqlError::running(&error), SqlError::Cancelled));
        assert_eq!(counts.steps().planned, 1, "the second rule is not applied");
    }
}

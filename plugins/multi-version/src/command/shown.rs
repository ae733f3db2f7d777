//! Plans, printed as the command line asks for it.

use std::collections::BTreeMap;

use dpkgng_plugin::{Failed, Host};

use super::line::{Graph, Line};
use super::views::with_out;
use crate::layout::SideName;
use crate::manifest::Side;
use crate::plan::LinkPlan;
use crate::show;

/// A plan: `--graph`, `--explain`, `--json`.
pub fn plan(
    host: Host,
    plan: &LinkPlan,
    sides: &BTreeMap<SideName, Side>,
    line: &Line,
) -> Result<(), Failed> {
    if let Some(graph) = line.graph {
        let drawn = show::Graph::of(plan);
        match graph {
            Graph::Dot => host.output(show::dot(&drawn))?,
            Graph::Tree => with_out(host, false, |out| show::tree(&drawn, out))?,
        }
    }
    if line.explain || line.json && line.graph.is_none() {
        with_out(host, line.json, |out| show::explain(plan, sides, out))?;
    }
    Ok(())
}

//! A plan as a person or a program reads it: `--explain`, the same with `--json`, `--graph` as DOT or as a tree, and the verdict of
//! `relink`. All from a [`LinkPlan`](crate::plan::LinkPlan), which is made of a generation as it stands as well as of a pending one.
#![forbid(unsafe_code)]

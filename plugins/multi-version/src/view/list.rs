//! `view list [V]`

use std::collections::BTreeMap;

use super::{Done, ViewError};
use crate::generation::{GenerationError, Reader};
use crate::layout::{GenerationNumber, RealizationId, ViewName};
use crate::manifest::Manifest;
use crate::output::{Column, Date, Json, Out, Size, Table, json};

/// What a list says of a generation.
struct Summary {
    manifest: Manifest,
    current: bool,
    packages: usize,
    wanted: usize,
    /// Bytes of its packages' files; none, if a package's metadata can't be read.
    size: Option<u64>,
}

/// The views with their current generations; or the generations of one.
pub fn list(reader: &Reader, view: Option<&ViewName>, out: &mut Out<'_>) -> Done<i32> {
    let mut sizes = BTreeMap::new();
    match view {
        Some(view) => generations(reader, view, &mut sizes, out),
        None => views(reader, &mut sizes, out),
    }
}

type Sizes = BTreeMap<RealizationId, Option<u64>>;

/// None, if the generation is gone meanwhile.
fn summary(
    reader: &Reader,
    view: &ViewName,
    number: GenerationNumber,
    sizes: &mut Sizes,
) -> Done<Option<Summary>> {
    let manifest = match reader.manifest(view, number) {
        Err(GenerationError::NoGeneration(..)) => return Ok(None),
        manifest => manifest?,
    };
    let present = manifest.packages.iter();
    let present: Vec<_> = present.filter(|m| m.is_present()).collect();
    let mut size = Some(0);
    for member in &present {
        let of = sizes.entry(member.realization.clone()).or_insert_with(|| {
            let realization = reader.realization(&member.realization).ok()?;
            Some(reader.installation(&realization.installation).ok()?.size)
        });
        size = size.zip(*of).map(|(a, b)| a + b);
    }
    Ok(Some(Summary {
        current: reader.current(view)? == Some(number),
        packages: present.len(),
        wanted: present.iter().filter(|m| m.is_wanted()).count(),
        size,
        manifest,
    }))
}

impl Summary {
    fn fields(&self) -> Vec<(&'static str, Json)> {
        let number = |n: usize| Json::from(n as u64);
        vec![
            ("generation", generation(self.manifest.number)),
            ("current", Json::from(self.current)),
            ("packages", number(self.packages)),
            ("wanted", number(self.wanted)),
            ("worlds", json::texts(self.manifest.sides.keys())),
            ("size", Json::from(self.size)),
            ("created", Json::from(self.manifest.created)),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.packages.to_string(),
            self.wanted.to_string(),
            self.manifest.sides.len().to_string(),
            self.size.map_or("?".into(), |s| Size(s).to_string()),
            Date(self.manifest.created).to_string(),
        ]
    }
}

const COLUMNS: [(Column, &str); 5] = [
    (Column::Right, "Packages"),
    (Column::Right, "Wanted"),
    (Column::Right, "Side worlds"),
    (Column::Right, "Size"),
    (Column::Left, "Built"),
];

/// A generation's number, in JSON.
pub(super) fn generation(number: GenerationNumber) -> Json {
    Json::from(number.to_string().parse::<u64>().ok())
}

fn views(reader: &Reader, sizes: &mut Sizes, out: &mut Out<'_>) -> Done<i32> {
    let head = [
        (Column::Wide, "View"),
        (Column::Right, "Generations"),
        (Column::Right, "Current"),
    ];
    let mut table = Table::new(&[head.as_slice(), &COLUMNS].concat());
    let mut values = Vec::new();
    for view in reader.views()? {
        let count = reader.list(&view)?.len();
        let current = reader.current(&view)?;
        let summary = match current {
            Some(current) => summary(reader, &view, current, sizes)?,
            None => None,
        };
        let mut fields = vec![
            ("view", json::text(&view)),
            ("generations", Json::from(count as u64)),
        ];
        let mut cells = vec![view.to_string(), count.to_string()];
        cells.push(current.map_or("none".into(), |c| c.to_string()));
        if let Some(summary) = summary {
            fields.extend(summary.fields());
            cells.extend(summary.cells());
        }
        values.push(json::object(fields));
        table.row(cells);
    }
    match out.json {
        true => out.value(&Json::Array(values))?,
        false if table.is_empty() => {}
        false => out.table(&table)?,
    }
    Ok(0)
}

fn generations(
    reader: &Reader,
    view: &ViewName,
    sizes: &mut Sizes,
    out: &mut Out<'_>,
) -> Done<i32> {
    let listed = reader.list(view)?;
    if listed.is_empty() {
        return Err(ViewError::NoView(view.clone()));
    }
    let head = [(Column::Left, ""), (Column::Right, "Generation")];
    let mut table = Table::new(&[head.as_slice(), &COLUMNS].concat());
    let mut values = Vec::new();
    for listed in listed {
        let Some(summary) = summary(reader, view, listed.number, sizes)? else {
            continue;
        };
        let mark = if summary.current { "*" } else { "" };
        let mut cells = vec![mark.to_string(), listed.number.to_string()];
        cells.extend(summary.cells());
        table.row(cells);
        let mut fields = vec![("view", json::text(view))];
        fields.extend(summary.fields());
        values.push(json::object(fields));
    }
    match out.json {
        true => out.value(&Json::Array(values))?,
        false => out.table(&table)?,
    }
    Ok(0)
}

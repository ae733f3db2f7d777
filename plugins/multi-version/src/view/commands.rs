//! `view list V[@GEN] --commands`

use super::{Done, Place};
use crate::export;
use crate::generation::Reader;
use crate::output::{Column, Json, Out, Table, json};

/// What became of the commands of a generation's packages.
pub fn commands(reader: &Reader, place: &Place, out: &mut Out<'_>) -> Done<i32> {
    let number = place.number(reader)?;
    reader.manifest(&place.view, number)?;
    let generation = reader.layout().generation(&place.view, number);
    let rows = export::read(&generation)?;
    let name = |row: &export::Row| row.name.as_ref().map(|n| n.display().to_string());
    let world = |row: &export::Row| row.source.world.as_ref().map(ToString::to_string);
    if out.json {
        let value = |row: &export::Row| {
            json::object(vec![
                ("name", json::maybe(name(row))),
                ("world", json::maybe(world(row))),
                ("command", json::text(row.source.command.display())),
                ("package", json::text(row.source.package.package())),
                ("version", json::text(row.source.package.version())),
                ("alternative", Json::from(row.source.alternative)),
                ("started_by", json::text(&row.how)),
                ("because", json::text(&row.why)),
            ])
        };
        out.value(&rows.iter().map(value).collect::<Json>())?;
        return Ok(0);
    }
    let head = [
        (Column::Left, "Command"),
        (Column::Left, "Is"),
        (Column::Left, "Package"),
        (Column::Wide, "How"),
    ];
    let mut table = Table::new(&head);
    for row in &rows {
        let how = match (row.how.as_str(), row.why.as_str()) {
            ("no", why) => format!("not exported: {why}"),
            (how, "") => how.to_owned(),
            (how, why) => format!("{how}: {why}"),
        };
        table.row([
            name(row).unwrap_or_default(),
            row.source.command.display().to_string(),
            row.source.package.package().to_string(),
            how,
        ]);
    }
    if !table.is_empty() {
        out.table(&table)?;
    }
    Ok(0)
}

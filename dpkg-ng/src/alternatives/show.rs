//! `--display`, `--query`, `--list`, `--get-selections`.

use libdpkgng::alternatives::Group;
use libdpkgng::alternatives::selections::Selection;
use libdpkgng::msg;
use libdpkgng::msg::Msg;
use libdpkgng::report::{Event, Reporter};

fn line(report: &mut dyn Reporter, text: Msg) {
    report.event(&Event::Output(msg!("%s\n", text)));
}

/// A line for programs, which is the same in all languages.
fn data(report: &mut dyn Reporter, parts: &[&[u8]]) {
    report.event(&Event::Data(&parts.concat()));
}

fn field(report: &mut dyn Reporter, name: &str, value: &[u8]) {
    data(report, &[name.as_bytes(), b": ", value, b"\n"]);
}

/// `--query`: stanzas for programs. First what is in the admin file.
pub fn query_group(report: &mut dyn Reporter, group: &Group) {
    field(report, "Name", &group.name);
    field(report, "Link", &group.link);
    if !group.slaves.is_empty() {
        data(report, &[b"Slaves:\n"]);
    }
    for slave in &group.slaves {
        data(report, &[b" ", &slave.name, b" ", &slave.link, b"\n"]);
    }
    field(report, "Status", group.mode.word().as_bytes());
}

/// Then what depends on where the link leads.
pub fn query_choices(report: &mut dyn Reporter, group: &Group, current: Option<&[u8]>) {
    if let Some(best) = group.best(current) {
        field(report, "Best", &best.path);
    }
    field(report, "Value", current.unwrap_or(b"none"));
    for choice in &group.choices {
        data(report, &[b"\n"]);
        field(report, "Alternative", &choice.path);
        let priority = choice.priority.to_string();
        field(report, "Priority", priority.as_bytes());
        if !group.slaves.is_empty() {
            data(report, &[b"Slaves:\n"]);
        }
        for slave in &group.slaves {
            if let Some(file) = choice.slave(&slave.name) {
                data(report, &[b" ", &slave.name, b" ", file, b"\n"]);
            }
        }
    }
}

/// `--display`: the same for people.
pub fn display_group(report: &mut dyn Reporter, group: &Group) {
    line(
        report,
        msg!("%s - %s", &group.name, group.mode.description()),
    );
}

/// Then what depends on where the link leads.
pub fn display_choices(report: &mut dyn Reporter, group: &Group, current: Option<&[u8]>) {
    line(
        report,
        match group.best(current) {
            Some(best) => msg!("  link best version is %s", &best.path),
            None => msg!("  link best version not available"),
        },
    );
    line(
        report,
        match current {
            Some(path) => msg!("  link currently points to %s", path),
            None => msg!("  link currently absent"),
        },
    );
    line(report, msg!("  link %s is %s", &group.name, &group.link));
    for slave in &group.slaves {
        line(report, msg!("  slave %s is %s", &slave.name, &slave.link));
    }
    for choice in &group.choices {
        let text = "%s - priority %d";
        line(report, msg!(text, &choice.path, choice.priority));
        for slave in &group.slaves {
            if let Some(file) = choice.slave(&slave.name) {
                line(report, msg!("  slave %s: %s", &slave.name, file));
            }
        }
    }
}

/// `--list`: the paths alone.
pub fn list(report: &mut dyn Reporter, group: &Group) {
    for choice in &group.choices {
        line(report, msg!("%s", &choice.path));
    }
}

/// A line of `--get-selections`.
pub fn selection(report: &mut dyn Reporter, selection: &Selection) {
    let text = "%-30s %-8s %s";
    let current = selection.current.as_deref().unwrap_or_default();
    line(
        report,
        msg!(text, &selection.name, selection.mode.word(), current),
    );
}

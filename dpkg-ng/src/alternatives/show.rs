//! `--display`, `--query`, `--list`, `--get-selections`.

use libdpkgng::alternatives::Group;
use libdpkgng::alternatives::selections::Selection;
use libdpkgng::msg;
use libdpkgng::msg::Msg;
use libdpkgng::report::{Event, Reporter};

fn line(report: &mut dyn Reporter, text: Msg) {
    report.event(&Event::Output(msg!("%s\n", text)));
}

/// `--query`: stanzas for programs. First what is in the admin file.
pub fn query_group(report: &mut dyn Reporter, group: &Group) {
    line(report, msg!("Name: %s", &group.name));
    line(report, msg!("Link: %s", &group.link));
    if !group.slaves.is_empty() {
        line(report, msg!("Slaves:"));
    }
    for slave in &group.slaves {
        line(report, msg!(" %s %s", &slave.name, &slave.link));
    }
    line(report, msg!("Status: %s", group.mode.word()));
}

/// Then what depends on where the link leads.
pub fn query_choices(report: &mut dyn Reporter, group: &Group, current: Option<&[u8]>) {
    if let Some(best) = group.best(current) {
        line(report, msg!("Best: %s", &best.path));
    }
    line(report, msg!("Value: %s", current.unwrap_or(b"none")));
    for choice in &group.choices {
        report.event(&Event::Data(b"\n"));
        line(report, msg!("Alternative: %s", &choice.path));
        line(report, msg!("Priority: %d", choice.priority));
        if !group.slaves.is_empty() {
            line(report, msg!("Slaves:"));
        }
        for slave in &group.slaves {
            if let Some(file) = choice.slave(&slave.name) {
                line(report, msg!(" %s %s", &slave.name, file));
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

//! `alternatives/`, one file per group, against the links: `LINK` leads to `/etc/alternatives/NAME`, which
//! leads to the file that is chosen.
//!
//! A group that lost its file, or whose file is damaged, comes from `/var/backups/alternatives.tar`, if what the
//! backup says is what the links say. A link that is lost is made again where the group's file leaves no choice.

use std::collections::BTreeMap;

use super::scan::{Content, Scan};
use super::{Action, Fault, Kind, Repair, Source, WayOut, Where, backups, text};
use crate::alternatives::adminfile::read_group;
use crate::alternatives::{Group, Mode, TMP_EXT};

/// Where the links of choices are.
const ALTDIR: &[u8] = b"/etc/alternatives";

pub(super) fn check(scan: &mut Scan<'_>) {
    let mut groups = Vec::new();
    let mut damaged = Vec::new();
    for name in scan.names(&Where::Admin(b"alternatives".to_vec())) {
        let file = Where::Admin([b"alternatives/", &name[..]].concat());
        if name.ends_with(TMP_EXT.as_bytes()) {
            let repair = Repair::new(Action::SetAside(file.clone()), Source::Itself);
            let fault = Fault::new(Kind::Leftover, file).way_out(WayOut::MoveAway);
            scan.fault(fault.repair(Some(repair)));
            continue;
        }
        let data = match scan.read(&file) {
            Content::Data(data) => data,
            Content::Missing | Content::Unread => {
                damaged.push(name);
                continue;
            }
        };
        let fault = if data.is_empty() {
            Fault::new(Kind::Empty, file.clone())
        } else if let Some(line) = text::nul_line(&data) {
            Fault::new(Kind::ZeroFilled, file.clone()).at(line)
        } else if !text::is_terminated(&data) {
            Fault::new(Kind::NoFinalNewline, file.clone()).at(text::line_count(&data))
        } else {
            match read_group(&name, data) {
                Ok(group) => {
                    groups.push(group);
                    continue;
                }
                Err((line, why)) => Fault::new(Kind::Syntax, file.clone())
                    .at(line)
                    .detail(why.to_string()),
            }
        };
        let repair = from_backup(scan, &name);
        let way = reinstall_owner(scan, &name);
        scan.fault(fault.way_out(way).repair(repair));
        damaged.push(name);
    }
    for group in &groups {
        check_group(scan, group);
    }
    lost_groups(scan, &groups, &damaged);
}

/// The link of a name.
fn alt(name: &[u8]) -> Vec<u8> {
    [ALTDIR, b"/", name].concat()
}

/// Where a link leads; an inner nothing for what is no link.
fn target(scan: &mut Scan<'_>, path: &[u8]) -> Option<Option<Vec<u8>>> {
    let file = Where::System(path.to_vec());
    let spot = file.spot(scan.dirs);
    match spot.readlink() {
        Ok(target) => Some(Some(target)),
        Err(e) if e.raw_os_error() == Some(libc::EINVAL) => Some(None),
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => None,
        Err(e) => {
            scan.failed(&file, e.raw_os_error().unwrap_or(libc::EIO));
            Some(None)
        }
    }
}

fn is_there(scan: &Scan<'_>, path: &[u8]) -> bool {
    Where::System(path.to_vec()).spot(scan.dirs).stat().is_ok()
}

/// Whether the directory of a link is there, without which there is no link.
fn has_directory(scan: &Scan<'_>, path: &[u8]) -> bool {
    let slash = memchr::memrchr(b'/', path).unwrap_or(0);
    is_there(scan, path.get(..slash.max(1)).unwrap_or(b"/"))
}

fn check_group(scan: &mut Scan<'_>, group: &Group) {
    let name = String::from_utf8_lossy(&group.name).into_owned();
    let config = WayOut::Run(format!("update-alternatives --config {name}"));
    let own = alt(&group.name);
    let best = group.best(None).map(|c| c.path.clone());
    let current = match target(scan, &own) {
        None => {
            // With nobody choosing it is the best one's; where a person chose, only that person knows.
            let chosen = best.clone().filter(|_| group.mode == Mode::Auto);
            let fault = Fault::new(Kind::LinkMissing, Where::System(own.clone()))
                .detail(group.name.clone());
            let fault = fault.way_out(config.clone());
            let there = chosen.filter(|path| is_there(scan, path));
            scan.fault(fault.repair(there.as_ref().map(|path| link(&own, path))));
            there
        }
        Some(None) => {
            let fault =
                Fault::new(Kind::NotALink, Where::System(own.clone())).detail(group.name.clone());
            scan.fault(fault.way_out(WayOut::MoveAway));
            None
        }
        Some(Some(path)) => {
            let fault = |kind| Fault::new(kind, Where::System(own.clone())).detail(path.clone());
            let right = match group.mode {
                // Of two that are best, either.
                Mode::Auto => group.best(Some(&path)).is_some_and(|c| c.path == path),
                Mode::Manual => true,
            };
            if !is_there(scan, &path) {
                scan.fault(
                    fault(Kind::LinkDangling)
                        .way_out(WayOut::Run(format!("update-alternatives --auto {name}"))),
                );
            } else if !right {
                scan.fault(fault(Kind::LinkElsewhere).way_out(config.clone()));
            }
            Some(path)
        }
    };
    follows(scan, group, &group.link, &own);
    let Some(choice) = current.and_then(|path| group.choice(&path)) else {
        return;
    };
    for slave in &group.slaves {
        let Some(file) = choice
            .slave(&slave.name)
            .filter(|file| is_there(scan, file))
        else {
            continue;
        };
        if !has_directory(scan, &slave.link) {
            continue;
        }
        let own = alt(&slave.name);
        match target(scan, &own) {
            None => {
                let fault = Fault::new(Kind::LinkMissing, Where::System(own.clone()));
                let fault = fault.detail(group.name.clone()).way_out(config.clone());
                scan.fault(fault.repair(Some(link(&own, file))));
            }
            Some(None) => {
                let fault =
                    Fault::new(Kind::NotALink, Where::System(own)).detail(group.name.clone());
                scan.fault(fault.way_out(WayOut::MoveAway));
                continue;
            }
            Some(Some(path)) if path != file => {
                let fault =
                    Fault::new(Kind::LinkElsewhere, Where::System(own.clone())).detail(path);
                scan.fault(fault.way_out(config.clone()));
            }
            Some(Some(_)) => {}
        }
        follows(scan, group, &slave.link, &own);
    }
}

fn link(at: &[u8], target: &[u8]) -> Repair {
    let action = Action::Link(Where::System(at.to_vec()), target.to_vec());
    Repair::new(action, Source::Database)
}

/// Whether a generic name leads where it should.
fn follows(scan: &mut Scan<'_>, group: &Group, generic: &[u8], own: &[u8]) {
    let file = Where::System(generic.to_vec());
    let name = String::from_utf8_lossy(&group.name).into_owned();
    let force = WayOut::Run(format!("update-alternatives --force --config {name}"));
    match target(scan, generic) {
        None => {
            let fault = Fault::new(Kind::LinkMissing, file).detail(group.name.clone());
            let repair = has_directory(scan, generic).then(|| link(generic, own));
            scan.fault(fault.way_out(force).repair(repair));
        }
        Some(None) => {
            let fault = Fault::new(Kind::NotALink, file).detail(group.name.clone());
            scan.fault(fault.way_out(force));
        }
        Some(Some(found)) if found != own => {
            let fault = Fault::new(Kind::LinkElsewhere, file).detail(found);
            scan.fault(fault.way_out(force));
        }
        Some(Some(_)) => {}
    }
}

/// Links in the directory of choices that no group has.
fn lost_groups(scan: &mut Scan<'_>, groups: &[Group], damaged: &[Vec<u8>]) {
    let mut known: BTreeMap<Vec<u8>, ()> = BTreeMap::new();
    for group in groups {
        known.insert(group.name.clone(), ());
        known.extend(group.slaves.iter().map(|s| (s.name.clone(), ())));
    }
    known.extend(damaged.iter().map(|name| (name.clone(), ())));
    let mut strays = Vec::new();
    for name in scan.names(&Where::System(ALTDIR.to_vec())) {
        if !known.contains_key(&name) && matches!(target(scan, &alt(&name)), Some(Some(_))) {
            strays.push(name);
        }
    }
    // What is a slave of a group that is damaged or lost comes back with that.
    let mut slaves: BTreeMap<Vec<u8>, ()> = BTreeMap::new();
    let mut repairs = BTreeMap::new();
    for name in strays.iter().chain(damaged) {
        for (_, content) in backups::of_alternative(scan, name) {
            if let Ok(group) = read_group(name, content) {
                slaves.extend(group.slaves.into_iter().map(|s| (s.name, ())));
            }
        }
        repairs.insert(name.clone(), from_backup(scan, name));
    }
    for name in strays.into_iter().filter(|name| !slaves.contains_key(name)) {
        let way = reinstall_owner(scan, &name);
        let leads = target(scan, &alt(&name)).flatten().unwrap_or_default();
        let file = Where::Admin([b"alternatives/", &name[..]].concat());
        let fault = Fault::new(Kind::GroupLost, file).detail(leads).way_out(way);
        let repair = repairs.get(&name).cloned().flatten();
        scan.fault(fault.repair(repair));
    }
}

/// A group as a backup has it, if the links are as that says and every choice is there.
fn from_backup(scan: &mut Scan<'_>, name: &[u8]) -> Option<Repair> {
    let current = target(scan, &alt(name)).flatten()?;
    for (source, content) in backups::of_alternative(scan, name) {
        let Ok(group) = read_group(name, content.clone()) else {
            continue;
        };
        let chosen = group.choice(&current).is_some()
            && (group.mode == Mode::Manual
                || group
                    .best(Some(&current))
                    .is_some_and(|b| b.path == current));
        let all_there = group.choices.iter().all(|c| is_there(scan, &c.path));
        let led = target(scan, &group.link).flatten() == Some(alt(name));
        if chosen && all_there && led {
            let file = Where::Admin([b"alternatives/", name].concat());
            let action = Action::Write {
                file,
                content,
                mode: None,
            };
            return Some(Repair::new(action, Source::Copy(vec![source])));
        }
    }
    None
}

/// The package that has the file that is chosen makes the group anew when it is configured.
fn reinstall_owner(scan: &mut Scan<'_>, name: &[u8]) -> WayOut {
    let Some(path) = target(scan, &alt(name)).flatten() else {
        return WayOut::MoveAway;
    };
    let mut owners = scan.lists.iter().filter(|(_, list)| list.contains(&path));
    let owner = owners.next().map(|(pkg, _)| *pkg);
    match owner {
        Some(pkg) => WayOut::Reinstall(scan.name(pkg)),
        None => WayOut::Edit(None),
    }
}

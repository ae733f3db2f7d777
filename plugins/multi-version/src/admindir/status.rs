//! A stanza of the status file: the control file's fields as they are, with what dpkg adds.

use crate::facts::MultiArch;
use crate::manifest::State;

use super::OfHost;

/// Why a control file can't be a stanza.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// A line is neither field nor continuation.
    #[error("line {0} is no field")]
    Line(usize),
    /// There is more than one stanza, or none.
    #[error("it is not one stanza")]
    NotOne,
}

/// The fields of a control file: name, and all of its bytes from the colon to before the next field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Fields that only dpkg writes.
const OWN: [&str; 5] = [
    "Status",
    "Config-Version",
    "Conffiles",
    "Triggers-Pending",
    "Triggers-Awaited",
];

impl Control {
    /// Read.
    pub fn parse(text: &[u8]) -> Result<Control, ControlError> {
        let mut fields: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut ended = false;
        let lines = text.strip_suffix(b"\n").unwrap_or(text);
        for (number, line) in lines.split(|b| *b == b'\n').enumerate() {
            let wrong = ControlError::Line(number + 1);
            if line.trim_ascii().is_empty() {
                ended |= !fields.is_empty();
                continue;
            }
            if ended {
                return Err(ControlError::NotOne);
            }
            if line.first().is_some_and(|b| matches!(b, b' ' | b'\t')) {
                let (_, value) = fields.last_mut().ok_or(wrong)?;
                value.push(b'\n');
                value.extend_from_slice(line);
                continue;
            }
            let colon = memchr::memchr(b':', line).ok_or(wrong.clone())?;
            let (name, value) = (line.get(..colon), line.get(colon + 1..));
            let (Some(name), Some(value)) = (name, value) else {
                return Err(wrong);
            };
            if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
                return Err(wrong);
            }
            fields.push((name.to_vec(), value.trim_ascii_start().to_vec()));
        }
        match fields.is_empty() {
            true => Err(ControlError::NotOne),
            false => Ok(Control { fields }),
        }
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        let found = self.fields.iter().find(|(n, _)| is(n, name));
        found.map(|(_, value)| value.as_slice())
    }

    /// Its fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let fields = self.fields.iter();
        fields.map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// Append the stanza of a package in this state, and the empty line behind it.
    pub fn stanza(&self, state: State, conffiles: &[(String, String)], to: &mut Vec<u8>) {
        let mut put = |name: &[u8], value: &[u8]| {
            to.extend_from_slice(name);
            to.push(b':');
            if value.first().is_some_and(|b| *b != b'\n') {
                to.push(b' ');
            }
            to.extend_from_slice(value);
            to.push(b'\n');
        };
        let status = match state {
            State::Installed => "install ok installed",
            State::Unpacked => "install ok unpacked",
            State::ConfigFiles => "deinstall ok config-files",
        };
        let lines: String = conffiles
            .iter()
            .map(|(path, hash)| format!("\n {path} {hash}"))
            .collect();
        let mut conffiles = Some(lines).filter(|l| !l.is_empty());
        for (name, value) in self.fields() {
            if OWN.iter().any(|own| is(name, own)) {
                continue;
            }
            if is(name, "Description")
                && let Some(lines) = conffiles.take()
            {
                put(b"Conffiles", lines.as_bytes());
            }
            put(name, value);
            if is(name, "Package") {
                put(b"Status", status.as_bytes());
            } else if is(name, "Version") && state == State::ConfigFiles {
                put(b"Config-Version", value);
            }
        }
        if let Some(lines) = conffiles {
            put(b"Conffiles", lines.as_bytes());
        }
        to.push(b'\n');
    }
}

fn is(name: &[u8], field: &str) -> bool {
    name.eq_ignore_ascii_case(field.as_bytes())
}

/// Append the stanza of a package of the host.
pub(super) fn of_host(of_host: &OfHost, to: &mut Vec<u8>) {
    let OfHost {
        name,
        version,
        architecture,
        ..
    } = of_host;
    let multi_arch = match of_host.multi_arch {
        MultiArch::No => "",
        MultiArch::Same => "Multi-Arch: same\n",
        MultiArch::Foreign => "Multi-Arch: foreign\n",
        MultiArch::Allowed => "Multi-Arch: allowed\n",
    };
    let provides = match &of_host.provides {
        Some(provides) => format!("Provides: {}\n", provides.replace('\n', " ")),
        None => String::new(),
    };
    let stanza = format!(
        "Package: {name}\nStatus: hold ok installed\nMaintainer: the host's system <root@localhost>\n\
         Architecture: {architecture}\n{multi_arch}Version: {version}\n{provides}\
         Description: {name} of the host, which packages of this view use\n\n"
    );
    to.extend_from_slice(stanza.as_bytes());
}

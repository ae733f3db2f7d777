//! The time that archives carry.

use std::os::unix::ffi::OsStrExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

use libdpkgng::error::{Error, Result};
use libdpkgng::{err, msg};

use super::{Env, strtol};

/// `SOURCE_DATE_EPOCH`, or the time now.
///
/// # Errors
/// It is no number.
pub fn source_date_epoch(env: &Env) -> Result<i64> {
    let Some(epoch) = env.get_nonempty("SOURCE_DATE_EPOCH") else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        return Ok(now.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX)));
    };
    let text = epoch.as_bytes();
    strtol(text, 10).ok_or_else(|| {
        let digits = text.trim_ascii_start();
        let digits = digits
            .strip_prefix(b"-")
            .or_else(|| digits.strip_prefix(b"+"))
            .unwrap_or(digits);
        let problem = msg!("unable to parse timestamp '%.255s'", epoch);
        if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
            Error::os(problem, std::io::Error::from_raw_os_error(libc::ERANGE))
        } else {
            err!("%s", problem)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        let time = |t: &str| {
            let mut env = Env::default();
            env.set("SOURCE_DATE_EPOCH", t.as_bytes());
            source_date_epoch(&env).map_err(|e| e.to_string())
        };
        assert_eq!(time("12"), Ok(12));
        assert_eq!(time("-1"), Ok(-1));
        assert_eq!(time("x"), Err("unable to parse timestamp 'x'".into()));
        assert_eq!(time("1x"), Err("unable to parse timestamp '1x'".into()));
        assert_eq!(
            time("99999999999999999999"),
            Err(
                "unable to parse timestamp '99999999999999999999': Numerical result out of range"
                    .into()
            )
        );
    }
}

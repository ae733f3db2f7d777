//! The time of day, locally.

/// A date and time in the local time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// The full year.
    pub year: i64,
    /// 1 to 12.
    pub month: i32,
    /// 1 to 31.
    pub day: i32,
    /// 0 to 23.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 60.
    pub second: i32,
}

/// Seconds since the epoch.
pub fn now() -> i64 {
    // SAFETY: a null pointer asks for the return value only.
    #[allow(clippy::unnecessary_cast)]
    let now = unsafe { libc::time(std::ptr::null_mut()) } as i64;
    now
}

/// Now, in the time zone of `TZ` or the system.
///
/// # Errors
/// localtime_r(3)'s, when the year does not fit.
pub fn local_now() -> std::io::Result<LocalTime> {
    // SAFETY: a null pointer asks for the return value only.
    let now = unsafe { libc::time(std::ptr::null_mut()) };
    // SAFETY: a zeroed tm is a valid value (integers and a null pointer).
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both point to live values.
    if unsafe { libc::localtime_r(&now, &mut tm) }.is_null() {
        return Err(std::io::Error::last_os_error());
    }
    Ok(LocalTime {
        year: i64::from(tm.tm_year) + 1900,
        month: tm.tm_mon + 1,
        day: tm.tm_mday,
        hour: tm.tm_hour,
        minute: tm.tm_min,
        second: tm.tm_sec,
    })
}

//! Sizes and dates as a person reads them.

use std::fmt;

/// Bytes: `245 kB`, as apt says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
        let (mut whole, mut tenths, mut unit) = (self.0, 0, 0);
        while whole >= 1000 && unit + 1 < units.len() {
            // Rounded: to tenths below ten, else to whole ones.
            (whole, tenths) = (whole / 1000, whole % 1000 / 100);
            unit += 1;
        }
        let name = units.get(unit).copied().unwrap_or_default();
        match unit > 0 && whole < 10 {
            true => f.pad(&format!("{whole}.{tenths} {name}")),
            false => f.pad(&format!("{whole} {name}")),
        }
    }
}

/// Seconds since 1970: `2026-11-21 16:30 UTC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub u64);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, minutes) = (self.0 / 86400, self.0 % 86400 / 60);
        // Eras of 400 years from the first of March of the year 0.
        let days = days + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let (hour, minute) = (minutes / 60, minutes % 60);
        f.pad(&format!(
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let sizes = [0, 999, 1000, 1234, 9_999, 10_000, 245_111, 1_500_000_000];
        let shown: Vec<String> = sizes.iter().map(|s| Size(*s).to_string()).collect();
        assert_eq!(
            shown,
            [
                "0 B", "999 B", "1.0 kB", "1.2 kB", "9.9 kB", "10 kB", "245 kB", "1.5 GB"
            ]
        );
        assert_eq!(Size(u64::MAX).to_string(), "18 EB");
    }

    #[test]
    fn dates() {
        // date -u -d @N '+%F %R UTC'
        for (seconds, shown) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_709_210_096, "2024-02-29 12:34 UTC"),
            (1_795_278_600, "2026-11-21 16:30 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(Date(seconds).to_string(), shown);
        }
    }
}

//! Days and times as MS-TDS counts them (§2.2.5.5.1.6 to §2.2.5.5.1.9).

/// Units of 100 ns in a day.
pub(crate) const DAY: u64 = 864_000_000_000;
/// Days from 0001-01-01 to 9999-12-31.
pub(crate) const LAST_DATE: u32 = 3_652_058;

/// datetime: days since 1900-01-01 and three-hundredths of a second.
pub(crate) fn datetime(days: u32, units: u64) -> (i32, u32) {
    let days = i32::try_from(days)
        .unwrap_or(i32::MAX)
        .saturating_sub(DAYS_TO_1900);
    let ticks = (units * 3 + 50_000) / 100_000;
    if ticks >= TICKS_A_DAY {
        (days.saturating_add(1), 0)
    } else {
        (days, u32::try_from(ticks).unwrap_or_default())
    }
}

/// The days since 0001-01-01 and units of a datetime, or `None` where it is
/// none. Fractions read .000, .003 and .007, as SQL Server shows them.
pub(crate) fn from_datetime(days: i32, ticks: u32) -> Option<(u32, u64)> {
    let ticks = u64::from(ticks);
    let days = u32::try_from(days.checked_add(DAYS_TO_1900)?).ok()?;
    (days <= LAST_DATE && ticks < TICKS_A_DAY).then(|| (days, (ticks * 10 + 1) / 3 * MILLISECOND))
}

/// smalldatetime: days since 1900-01-01 and minutes, up from 29.999 seconds.
pub(crate) fn small_datetime(days: u32, units: u64) -> Option<(u16, u16)> {
    let mut days = days.checked_sub(DAYS_TO_1900.unsigned_abs())?;
    let mut minutes = (units + MINUTE / 2 + MILLISECOND) / MINUTE;
    if minutes >= MINUTES_A_DAY {
        days += 1;
        minutes = 0;
    }
    Some((u16::try_from(days).ok()?, u16::try_from(minutes).ok()?))
}

/// The days since 0001-01-01 and units of a smalldatetime.
pub(crate) fn from_small_datetime(days: u16, minutes: u16) -> Option<(u32, u64)> {
    let minutes = u64::from(minutes);
    (minutes < MINUTES_A_DAY).then(|| {
        (
            u32::from(days) + DAYS_TO_1900.unsigned_abs(),
            minutes * MINUTE,
        )
    })
}

/// A time in units of `scale`, and whether rounding went past midnight.
pub(crate) fn scaled(units: u64, scale: u8) -> (u64, bool) {
    let unit = unit(scale);
    let rounded = (units + unit / 2) / unit;
    if rounded * unit >= DAY {
        (0, true)
    } else {
        (rounded, false)
    }
}

/// Units of 100 ns from a time in units of `scale`.
pub(crate) fn from_scaled(time: u64, scale: u8) -> Option<u64> {
    time.checked_mul(unit(scale)).filter(|&units| units < DAY)
}

/// Bytes of a time of `scale`.
pub(crate) fn time_length(scale: u8) -> usize {
    match scale {
        0..=2 => 3,
        3 | 4 => 4,
        _ => 5,
    }
}

fn unit(scale: u8) -> u64 {
    10_u64.pow(7_u32.saturating_sub(u32::from(scale)))
}

const DAYS_TO_1900: i32 = 693_595;
const MILLISECOND: u64 = 10_000;
const MINUTE: u64 = 600_000_000;
const MINUTES_A_DAY: u64 = 1_440;
const TICKS_A_DAY: u64 = 25_920_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datetime_rounds_to_three_hundredths_and_carries_at_midnight() {
        assert_eq!(datetime(693_595, 30_000), (0, 1));
        assert_eq!(datetime(693_595, 70_000), (0, 2));
        assert_eq!(datetime(693_595, DAY - 1), (1, 0));
        assert_eq!(datetime(639_905, 0), (-53_690, 0), "1753-01-01");
    }

    #[test]
    fn every_tick_of_a_second_survives_the_way_there_and_back() {
        for ticks in 0..300 {
            let (days, units) = from_datetime(-5, ticks).unwrap();
            assert_eq!(datetime(days, units), (-5, ticks));
            assert!([0, 3, 7].contains(&(units / MILLISECOND % 10)));
        }
        assert_eq!(from_datetime(0, 25_920_000), None);
        assert_eq!(from_datetime(i32::MIN, 0), None);
    }

    #[test]
    fn smalldatetime_rounds_as_the_server_does() {
        assert_eq!(small_datetime(693_595, 299_980_000), Some((0, 0)));
        assert_eq!(small_datetime(693_595, 299_990_000), Some((0, 1)));
        assert_eq!(small_datetime(693_595, DAY - 1), Some((1, 0)));
        assert_eq!(small_datetime(1, 0), None);
        assert_eq!(from_small_datetime(0, 1_440), None);
    }

    #[test]
    fn times_round_to_their_scale() {
        assert_eq!(scaled(1_234_567, 7), (1_234_567, false));
        assert_eq!(scaled(1_234_567, 3), (123, false));
        assert_eq!(scaled(DAY - 1, 0), (0, true));
        assert_eq!(from_scaled(86_399, 0), Some(DAY - 10_000_000));
        assert_eq!(from_scaled(86_400, 0), None);
        assert_eq!(from_scaled(u64::MAX, 0), None);
    }
}

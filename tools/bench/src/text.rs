//! Numbers as people read them.

/// Returns a number with its thousands grouped: `2,000,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number of bytes in the largest binary unit that leaves a number of at least 1.
pub(crate) fn binary(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let Some(&(size, unit)) = units.iter().find(|&&(size, _)| bytes >= size) else { return format!("{bytes} B") };
    let number = bytes as f64 / size as f64;
    let digits = usize::from(number < 100.0 && !bytes.is_multiple_of(size));
    format!("{number:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let numbers = [0, 7, 999, 1_000, 12_345, 2_000_000];
        assert_eq!(numbers.map(grouped), ["0", "7", "999", "1,000", "12,345", "2,000,000"]);
    }

    #[test]
    fn bytes_are_shown_in_binary_units() {
        let shown = [0, 1023, 1024, 49152, 1_500_000, 2 << 20, 24 << 30].map(binary);
        assert_eq!(shown, ["0 B", "1023 B", "1 KiB", "48 KiB", "1.4 MiB", "2 MiB", "24 GiB"]);
    }
}

//! Regular expressions over AS numbers.

/// Returns the pattern of an expression over whole AS numbers: `.` is any one of them.
pub(super) fn as_path(text: &str) -> String {
    let mut pattern = String::from("^");
    for char in text.chars() {
        match char {
            '.' => pattern.push_str("(?:[0-9]+(?: |$))"),
            ' ' => {}
            '0'..='9' | '*' | '+' | '?' | '|' | '(' | ')' | '[' | ']' | '-' | '^' | '$' | '{' | '}' | ',' => {
                pattern.push(char);
            }
            _ => pattern.push_str(&regex_escape(char)),
        }
    }
    // Numbers stand apart from each other by a blank.
    let mut spaced = String::with_capacity(pattern.len() * 2);
    let mut in_number = false;
    let mut depth = 0_usize;
    for char in pattern.chars() {
        match char {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let digit = char.is_ascii_digit() && depth == 0;
        if digit && !in_number {
            spaced.push_str("(?:");
        }
        if !digit && in_number {
            spaced.push_str("(?: |$))");
        }
        in_number = digit;
        spaced.push(char);
    }
    if in_number {
        spaced.push_str("(?: |$))");
    }
    spaced.push('$');
    spaced
}

fn regex_escape(char: char) -> String {
    format!("\\x{{{:x}}}", u32::from(char))
}

//! Symbols of other languages and of print → what this language writes for them.

/// A symbol that is not of the language.
pub(crate) struct Foreign {
    /// Its length in bytes.
    pub length: usize,
    /// What the grammar reads in its place: no longer, and empty for a line end.
    pub shown: &'static str,
    pub help: &'static str,
}

/// Symbol, stand-in, remedy; a longer symbol before its own beginning.
const SYMBOLS: [(&str, &str, &str); 51] = [
    ("<-->", "--", "an edge both ways is written `a -- b`"),
    ("<->", "--", "an edge both ways is written `a -- b`"),
    ("<--", "--", "an edge is written from its sender, `a -> b`, or both ways, `a -- b`"),
    ("-->", "--", "an edge is written `a -> b`, or both ways, `a -- b`"),
    ("---", "--", "an edge both ways is written `a -- b`"),
    ("===", "==", "write `==`"),
    ("!==", "!=", "write `!=`"),
    ("...", "..", "a range is written `a..b`, without its end `b`"),
    ("..=", "..", "a range is written `a..b`, without its end `b`; write `a..b + 1` to include it"),
    ("**", "^", "a power is written `a^b`"),
    ("&&", "++", "write `and`"),
    ("||", "++", "write `or`"),
    ("=>", "->", "an edge is written `a -> b`; at least is `>=`"),
    ("=<", "<=", "at most is written `<=`"),
    ("<>", "!=", "write `!=`"),
    (":=", "=", "write `let x = e` to name a value, and `x <- e` for the next value of a state"),
    ("+=", "<-", "write `x <- x + e`"),
    ("-=", "<-", "write `x <- x - e`"),
    ("*=", "<-", "write `x <- x * e`"),
    ("/=", "<-", "write `x <- x / e`; not equal is `!=`"),
    ("^=", "<-", "write `x <- x^e`"),
    ("→", "->", "write `->`"),
    ("⟶", "->", "write `->`"),
    ("⇒", "->", "write `->`"),
    ("←", "<-", "write `<-`"),
    ("↔", "--", "write `--`"),
    ("≤", "<=", "write `<=`"),
    ("≥", ">=", "write `>=`"),
    ("≠", "!=", "write `!=`"),
    ("×", "*", "write `*`"),
    ("·", "*", "write `*`"),
    ("−", "-", "write the minus of the keyboard, `-`"),
    ("–", "-", "write the minus of the keyboard, `-`"),
    ("—", "--", "write two minuses, `--`"),
    ("÷", "/", "write `/`"),
    ("∇", "-", "the gradient at x is written `grad(x)`"),
    ("@", "*", "W x is written `mix(x)`; a number times x is `a * x`"),
    ("µ", "μ", "write the Greek letter, `μ`: this is the sign of a millionth"),
    ("ϵ", "ε", "write the letter `ε`"),
    ("ϑ", "θ", "write the letter `θ`"),
    ("ϕ", "φ", "write the letter `φ`"),
    ("∈", "in", "write `in`"),
    ("∧", "++", "write `and`"),
    ("∨", "++", "write `or`"),
    ("⊕", "+", "write `xor`"),
    ("…", "..", "a range is written `a..b`, without its end `b`"),
    ("&", "+", "write `and` for truth values"),
    ("|", "+", "write `or` for truth values"),
    ("%", "*", "the remainder is written `a mod b`"),
    ("?", "+", "a choice is written `if c { a } else { b }`"),
    (";", "", "a line end ends a statement: write each statement on a line of its own"),
];

// A stand-in is written over its symbol.
const _: () = {
    let mut k = 0;
    while k < SYMBOLS.len() {
        assert!(SYMBOLS[k].1.len() <= SYMBOLS[k].0.len());
        k += 1;
    }
};

/// How far the end of a text or comment is looked for, so that looking takes linear time in all.
const REACH: usize = 400;

/// The foreign symbol at the beginning of `rest`, if one stands there.
pub(crate) fn symbol(rest: &str) -> Option<Foreign> {
    let near = &rest.as_bytes()[1..rest.len().min(REACH)];
    match rest.as_bytes()[0] {
        b'#' => {
            let length = rest.find('\n').unwrap_or(rest.len());
            Some(Foreign { length, shown: "", help: "a comment begins with `//`" })
        }
        b'/' if rest.starts_with("/*") => {
            let length = near.windows(2).position(|pair| pair == b"*/").map_or(2, |at| at + 3);
            let help = "a comment begins with `//` and ends with its line";
            Some(Foreign { length, shown: "", help })
        }
        quote @ (b'"' | b'\'' | b'`') => {
            let line = near.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let closing = line.iter().position(|&byte| byte == quote);
            let help = match closing {
                Some(_) => "the language has no texts; names stand without quotes",
                None => "a prime follows its name without a blank, as in `x'`; the language has no texts",
            };
            Some(Foreign { length: closing.map_or(1, |at| at + 2), shown: "0", help })
        }
        b'!' if !rest.starts_with("!=") => {
            Some(Foreign { length: 1, shown: "-", help: "write `not c`; not equal is `!=`" })
        }
        _ => {
            let &(symbol, shown, help) = SYMBOLS.iter().find(|(symbol, ..)| rest.starts_with(symbol))?;
            Some(Foreign { length: symbol.len(), shown, help })
        }
    }
}

/// What to write for a word that begins statements of other languages and has no counterpart.
pub(crate) fn word(word: &str) -> Option<&'static str> {
    match word {
        "while" | "loop" | "until" | "repeat" | "do" => Some(
            "loop over a list or a range, `for i in a..b { … }`; what depends on the round before is a `fn` that calls itself",
        ),
        "match" | "switch" | "case" => Some("a choice is written `if c { … } else { … }`"),
        "print" | "println" | "echo" => Some("the language prints nothing; `bfc inspect` shows a schedule"),
        _ => None,
    }
}

/// What to write for digits that make no number.
pub(crate) fn number_help(found: &str) -> String {
    let digits = found.len() - found.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = found.split_at(digits);
    if digits > 20 || rest.len() > 20 {
        return "write a product as `a * b`, a number as `1000`, `0.1` or `1e-8`".into();
    }
    if found.contains('_') && found.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return format!("write the digits without `_`: `{}`", found.replace('_', ""));
    }
    if number == "0" && rest.starts_with(['x', 'X', 'b', 'o']) {
        return "numbers are decimal".into();
    }
    match rest.strip_prefix('.') {
        Some(digits) if number.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            format!("write a digit before the point: `0{rest}`")
        }
        Some("") => format!("write `{number}`, or a digit after the point: `{number}.0`"),
        Some(_) => "write a number as `1000`, `0.1` or `1e-8`".into(),
        None => format!("write a product as `{number} * {rest}`; a name begins with a letter"),
    }
}

/// At most 40 characters of what was found.
pub(crate) fn shorten(found: &str) -> String {
    let line = found.lines().next().unwrap_or_default();
    match line.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None if line.len() < found.len() => format!("{line}…"),
        None => line.to_string(),
    }
}

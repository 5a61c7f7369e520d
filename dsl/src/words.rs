//! Rules of the grammar → words for its messages: what may begin where, and where a word belongs.

use crate::parse::Rule;

/// The kind of place where text could not be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    Item,
    Topology,
    Algorithm,
    Step,
    Schedule,
    Block,
    Expression,
}

impl Context {
    pub fn new(rule: Rule) -> Self {
        match rule {
            Rule::bad_topology => Self::Topology,
            Rule::bad_algorithm => Self::Algorithm,
            Rule::bad_step => Self::Step,
            Rule::bad_schedule => Self::Schedule,
            Rule::bad_block => Self::Block,
            Rule::expression_alone => Self::Expression,
            _ => Self::Item,
        }
    }

    /// The rule that reads one of its lines and nothing after.
    pub fn rule(self) -> Rule {
        match self {
            Self::Item => Rule::item_alone,
            Self::Topology => Rule::topology_alone,
            Self::Algorithm => Rule::algorithm_alone,
            Self::Step => Rule::step_alone,
            Self::Schedule => Rule::schedule_alone,
            Self::Block => Rule::block_alone,
            Self::Expression => Rule::expression_alone,
        }
    }

    /// The rule that reads one of its lines.
    pub fn whole(self) -> Rule {
        match self {
            Self::Item => Rule::item_form,
            Self::Topology => Rule::topology_statement,
            Self::Algorithm => Rule::algorithm_statement,
            Self::Step => Rule::step_inner,
            Self::Schedule => Rule::schedule_statement,
            Self::Block => Rule::block_form,
            Self::Expression => Rule::operand,
        }
    }

    /// The rule for the statement that begins with this word, where the word is not reserved.
    pub fn statement(self, word: &str) -> Option<Rule> {
        match (self, word) {
            (Self::Topology, "weights") => Some(Rule::weights_statement),
            (Self::Topology, "phase") => Some(Rule::phase_statement),
            (Self::Topology, "phases") => Some(Rule::phases_statement),
            (Self::Topology, "names") => Some(Rule::names_statement),
            (Self::Topology, "edges") => Some(Rule::edges_statement),
            _ => None,
        }
    }

    /// The words that begin its lines.
    pub fn keywords(self) -> &'static [&'static str] {
        match self {
            Self::Item => &["use", "fn", "topology", "algorithm", "async", "schedule"],
            Self::Topology => {
                &["let", "for", "if", "phase", "phases", "requires", "ensure", "self", "weights"]
            }
            Self::Algorithm => &["requires", "let", "state", "edge", "step", "model"],
            Self::Step => &["let", "if"],
            Self::Schedule => &["topology", "algorithm"],
            Self::Block => &["let"],
            Self::Expression => &[],
        }
    }

    /// Where it is, after "does not belong".
    pub fn place(self) -> &'static str {
        match self {
            Self::Item => "at the top of a file",
            Self::Topology => "in a topology",
            Self::Algorithm => "in an algorithm outside of `step`",
            Self::Step => "in a step",
            Self::Schedule => "in a schedule",
            Self::Block | Self::Expression => "in an expression",
        }
    }

    /// What one of its lines is, after "does not begin".
    pub fn begins(self) -> &'static str {
        match self {
            Self::Item => "an item",
            Self::Topology => "a statement of a topology",
            Self::Algorithm => "a statement of an algorithm",
            Self::Step => "a statement of a step",
            Self::Schedule => "a line of a schedule",
            Self::Block => "a line of a block",
            Self::Expression => "an expression",
        }
    }
}

/// Joins what a parse could have gone on with.
pub(crate) fn expected(rules: &[Rule], context: Context) -> String {
    let mut words: Vec<&str> = Vec::new();
    // After a whole operand a call or an index could follow too; "an operator" says enough.
    let after_operand = rules.contains(&Rule::infix);
    let is_tail =
        |rule: &Rule| matches!(rule, Rule::open_paren | Rule::open_bracket | Rule::arguments | Rule::index);
    for rule in rules.iter().filter(|rule| !(after_operand && is_tail(rule))) {
        for word in describe(*rule, context) {
            if !words.contains(word) {
                words.push(word);
            }
        }
    }
    match words.as_slice() {
        [] => context.begins().to_string(),
        [one] => one.to_string(),
        [many @ .., last] => format!("{} or {last}", many.join(", ")),
    }
}

fn describe(rule: Rule, context: Context) -> &'static [&'static str] {
    match rule {
        Rule::item_form => &["`use`", "`fn`", "`topology`", "`algorithm`", "`schedule`"],
        Rule::topology_statement => &["a statement of a topology"],
        Rule::algorithm_statement => &["`requires`", "`let`", "`state`", "`edge`", "`step`", "`model`"],
        Rule::step_inner => &["`x <- e`", "`let`", "`if`"],
        Rule::schedule_statement => &["`topology`", "`algorithm`"],
        Rule::block_form => &["`let`", "a value"],
        Rule::expression | Rule::operand | Rule::slice_to | Rule::prefix => &["an expression"],
        Rule::argument => &["an argument"],
        Rule::binding => &["a topology"],
        Rule::clause => &["`x in xs`", "`if`"],
        Rule::pattern => &["a name", "`[`"],
        Rule::pattern_list | Rule::open_bracket => &["`[`"],
        Rule::name | Rule::parameter | Rule::bound | Rule::assign_statement => &["a name"],
        Rule::infix => &["an operator"],
        Rule::range => &["`..`"],
        Rule::end | Rule::EOI if context == Context::Expression => &["the end"],
        Rule::end | Rule::EOI => &["the end of the line"],
        Rule::parameters | Rule::open_paren | Rule::arguments => &["`(`"],
        Rule::close_paren => &["`)`"],
        Rule::close_bracket => &["`]`"],
        Rule::topology_body | Rule::algorithm_body | Rule::step_body | Rule::schedule_body => &["`{`"],
        Rule::block | Rule::function_body | Rule::open_brace | Rule::use_names => &["`{`"],
        Rule::close_brace => &["`}`"],
        Rule::comma => &["`,`"],
        Rule::colon | Rule::kind => &["`:`"],
        Rule::colons => &["`::`"],
        Rule::equals | Rule::default => &["`=`"],
        Rule::arrow => &["`->`"],
        Rule::both_ways => &["`--`"],
        Rule::becomes => &["`<-`"],
        Rule::over | Rule::kw_over => &["`over`"],
        Rule::value_weights | Rule::kw_weights => &["`weights`"],
        Rule::comprehension | Rule::kw_for => &["`for`"],
        Rule::kw_use => &["`use`"],
        Rule::kw_fn => &["`fn`"],
        Rule::kw_topology => &["`topology`"],
        Rule::kw_algorithm => &["`algorithm`"],
        Rule::kw_async => &["`async`"],
        Rule::kw_schedule => &["`schedule`"],
        Rule::kw_let | Rule::let_statement => &["`let`"],
        Rule::kw_in => &["`in`"],
        Rule::kw_if => &["`if`"],
        Rule::kw_else => &["`else`"],
        Rule::kw_weight => &["`weight`"],
        Rule::kw_step => &["`step`"],
        Rule::kw_from => &["`from`"],
        Rule::kw_sha256 => &["`sha256`"],
        Rule::text => &["a text in quotes"],
        _ => &[],
    }
}

/// Where a keyword belongs.
pub(crate) fn homes(word: &str) -> Option<&'static str> {
    Some(match word {
        "use" | "fn" | "schedule" | "async" => "it belongs at the top of a file",
        "topology" | "algorithm" => "it belongs at the top of a file, and in a `schedule`",
        "for" => "a loop belongs in a topology; a list is made by `[e for x in xs]`",
        "phase" | "phases" | "weights" | "self" | "ensure" => "it belongs in a topology",
        "state" | "edge" | "step" | "model" => "it belongs in an algorithm, outside of `step`",
        "weight" => "it follows its edge on the same line, as in `a -> b weight w`",
        "requires" => "it belongs in a topology, or in an algorithm outside of `step`",
        "let" => "it belongs in a topology, an algorithm, a step or a block",
        "if" => {
            "it belongs in a topology, in a step, or in an expression such as `x <- if c { a } else { b }`"
        }
        _ => return None,
    })
}

/// What other languages call the keyword.
pub(crate) fn synonym(word: &str, context: Context) -> Option<&'static str> {
    let keyword = match word {
        "def" | "func" | "function" | "fun" => "fn",
        "import" | "from" | "include" | "require" if context == Context::Item => "use",
        "graph" | "network" => "topology",
        "require" | "assert" => "requires",
        "ensures" | "guarantee" => "ensure",
        "var" | "const" | "val" => "let",
        "foreach" => "for",
        "elif" | "elseif" => "else if",
        _ => return None,
    };
    (keyword == "else if" || context.keywords().contains(&keyword)).then_some(keyword)
}

/// The keyword among `rules` that `found` is a misspelling of.
pub(crate) fn misspelled(found: &str, rules: &[Rule]) -> Option<&'static str> {
    let words =
        rules.iter().flat_map(|rule| describe(*rule, Context::Item)).map(|word| word.trim_matches('`'));
    let mut words = words.filter(|word| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase()));
    words.find(|word| is_near(found, word))
}

/// Whether a word was probably meant to be this keyword.
pub(crate) fn is_near(found: &str, keyword: &str) -> bool {
    let allowed = if found.len() == 2 && keyword.len() == 3 { 1 } else { found.len() / 3 };
    found.len() >= 2 && found != keyword && distance(found, keyword) <= allowed
}

/// Whether a name may hold the character. Of the Greek letters those that do not look like a Latin one.
pub fn is_letter(c: char) -> bool {
    let greek = matches!(c, 'α'..='ω') && !matches!(c, 'ο' | 'ς');
    c.is_ascii_alphanumeric() || c == '_' || greek || "ΓΔΘΛΞΠΣΦΨΩ".contains(c)
}

/// Whether the word cannot be a name.
pub(crate) fn is_reserved(word: &str) -> bool {
    matches!(
        word,
        "let"
            | "for"
            | "in"
            | "if"
            | "else"
            | "not"
            | "and"
            | "or"
            | "mod"
            | "div"
            | "xor"
            | "at"
            | "true"
            | "false"
            | "fn"
            | "self"
            | "requires"
            | "ensure"
    )
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one short word to another.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len().abs_diff(b.len()) > 3 {
        return usize::MAX;
    }
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

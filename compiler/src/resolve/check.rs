//! Walks functions, topologies and schedules with the names in scope.

use super::walk::parts;
use super::{Combined, ItemId, Program, ResolveError, declaration};
use crate::builtin_names::{self, ALGORITHM_NAMES, BUILTINS, COMBINATIONS, EQUATION_CALLS, GLOBALS, nearest};
use crate::library;
use crate::model::claim::{self, Number};
use bfc_dsl::tree::{
    Argument, Clause, Expression, ExpressionKind, FileId, Item, Let, Name, Parameter, Pattern, Span,
    TopologyBody, TopologyStatement,
};

/// All unknown names and wrong calls of a program, except in items that lack statements.
pub fn check(program: &Program, damaged: &[ItemId]) -> Vec<ResolveError> {
    let mut checker = Checker {
        program,
        scope: vec![],
        words: false,
        function: None,
        on_command_line: false,
        errors: vec![],
    };
    for (file, id) in program.files.iter().zip(0..) {
        for (index, item) in file.items.iter().enumerate() {
            if !damaged.contains(&ItemId { file: FileId(id), index }) {
                checker.item(item);
            }
        }
    }
    checker.on_command_line = true;
    for (_, value) in &program.parameters {
        checker.expression(value);
    }
    // The rule of weights is made of words; evaluation knows them.
    let Combined { topologies, algorithms, weights: _ } = &program.combination;
    checker.schedule(topologies, algorithms);
    checker.errors
}

struct Checker<'p> {
    program: &'p Program,
    scope: Vec<&'p str>,
    /// Whether words of claims are known here.
    words: bool,
    /// The function that is walked, if one is.
    function: Option<&'p str>,
    /// Whether this is a value of the command line, where nothing can be imported.
    on_command_line: bool,
    errors: Vec<ResolveError>,
}

impl<'p> Checker<'p> {
    fn item(&mut self, item: &'p Item) {
        if let Some((name, _)) = declaration(item) {
            self.reserved(name);
        }
        match item {
            Item::Function(function) => {
                self.parameters(&function.parameters, &["int", "real", "bool", "list", "topology"]);
                self.function = Some(&function.name.text);
                self.expression(&function.body);
                self.function = None;
            }
            Item::Topology(topology) => {
                self.parameters(&topology.parameters, &["int", "real", "bool", "list", "topology"]);
                match &topology.body {
                    TopologyBody::Statements(statements) => self.statements(&topology.name.text, statements),
                    TopologyBody::Value(value, _) => self.topology(value),
                }
            }
            Item::Algorithm(algorithm) => {
                self.parameters(
                    &algorithm.parameters,
                    &["int", "real", "bool", "list", "scalar", "codec", "topology"],
                );
                // Defaults see the topologies before them, and no parameters: those of a run may change.
                self.scope.clear();
                for (name, default) in &algorithm.over {
                    default.iter().for_each(|default| self.topology(default));
                    self.scope.push(&name.text);
                }
            }
            Item::Schedule(schedule) => {
                self.schedule(&schedule.topologies, &schedule.algorithms);
            }
            Item::Use(_) => {}
        }
        self.scope.clear();
    }

    fn schedule(&mut self, topologies: &'p [(Option<Name>, Expression)], algorithms: &'p [Expression]) {
        for (name, topology) in topologies {
            self.topology(topology);
            name.iter().for_each(|name| self.define(name));
        }
        self.scope.clear();
        algorithms.iter().for_each(|algorithm| self.entry(algorithm, "an algorithm"));
    }

    fn parameters(&mut self, parameters: &'p [Parameter], kinds: &[&str]) {
        for parameter in parameters {
            parameter.default.iter().for_each(|default| self.expression(default));
            if let Some(kind) = parameter.kind.as_ref().filter(|kind| !kinds.contains(&kind.text.as_str())) {
                let help = match nearest(&kind.text, kinds.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("kinds here are `{}`", kinds.join("`, `")),
                };
                self.errors.push(ResolveError::UnknownKind {
                    kind: kind.text.clone(),
                    help,
                    span: kind.span,
                });
            }
            self.define(&parameter.name);
        }
    }

    fn define(&mut self, name: &'p Name) {
        self.reserved(name);
        self.scope.push(&name.text);
    }

    fn reserved(&mut self, name: &Name) {
        if GLOBALS.contains(&name.text.as_str()) {
            self.errors.push(ResolveError::ReservedName { name: name.text.clone(), span: name.span });
        }
    }

    fn statements(&mut self, name: &'p str, statements: &'p [TopologyStatement]) {
        let mark = self.scope.len();
        for statement in statements {
            self.statement(name, statement);
        }
        self.scope.truncate(mark);
    }

    fn statement(&mut self, name: &'p str, statement: &'p TopologyStatement) {
        match statement {
            TopologyStatement::Let(binding) => self.binding(binding),
            TopologyStatement::For(clauses, body, _) => {
                let mark = self.scope.len();
                self.clauses(clauses);
                self.statements(name, body);
                self.scope.truncate(mark);
            }
            TopologyStatement::If(condition, yes, no, _) => {
                self.expression(condition);
                self.statements(name, yes);
                self.statements(name, no);
            }
            TopologyStatement::Edge(edge) => {
                self.expression(&edge.from);
                self.expression(&edge.to);
                edge.weight.iter().for_each(|weight| self.expression(weight));
            }
            TopologyStatement::SelfWeight(rank, weight, _) => {
                self.expression(rank);
                self.expression(weight);
            }
            TopologyStatement::Phase(body, _) => self.statements(name, body),
            TopologyStatement::Phases(topology, _) => self.topology(topology),
            // Rules are words; evaluation knows them.
            TopologyStatement::Weights(..)
            | TopologyStatement::Names(..)
            | TopologyStatement::EdgesFrom(_) => {}
            TopologyStatement::Requires(conditions, _) => {
                conditions.iter().for_each(|condition| self.expression(condition));
            }
            TopologyStatement::Ensure(claim, condition, _) => {
                self.words = true;
                self.scope.push(name);
                self.expression(claim);
                self.scope.pop();
                self.words = false;
                condition.iter().for_each(|condition| self.expression(condition));
            }
        }
    }

    fn binding(&mut self, binding: &'p Let) {
        self.expression(&binding.value);
        self.pattern(&binding.pattern);
    }

    fn pattern(&mut self, pattern: &'p Pattern) {
        match pattern {
            Pattern::Name(name) => self.define(name),
            Pattern::List(parts, _) => parts.iter().for_each(|part| self.pattern(part)),
        }
    }

    fn clauses(&mut self, clauses: &'p [Clause]) {
        for clause in clauses {
            match clause {
                Clause::In(pattern, list) => {
                    self.expression(list);
                    self.pattern(pattern);
                }
                Clause::If(condition) => self.expression(condition),
            }
        }
    }

    fn expression(&mut self, expression: &'p Expression) {
        let mark = self.scope.len();
        match &*expression.kind {
            ExpressionKind::Name(name) => self.name(name, expression.span),
            ExpressionKind::Call(name, arguments) => self.call(name, arguments, expression.span),
            ExpressionKind::Comprehension(item, clauses) => {
                self.clauses(clauses);
                self.expression(item);
            }
            ExpressionKind::Block(lets, result) => {
                lets.iter().for_each(|binding| self.binding(binding));
                self.expression(result);
            }
            _ => parts(expression).into_iter().for_each(|part| self.expression(part)),
        }
        self.scope.truncate(mark);
    }

    fn name(&mut self, name: &str, span: Span) {
        let known = self.scope.contains(&name) || GLOBALS.contains(&name) || self.words && is_word(name);
        if known {
            return;
        }
        match self.program.item(span.file, name) {
            None | Some(Item::Function(_)) => {}
            Some(Item::Topology(_)) => return,
            Some(item) => return self.wrong_item(name, item, "a value", span),
        }
        if name == builtin_names::BEST || builtin_names::codecs().any(|codec| codec == name) {
            return;
        }
        let function =
            builtin_names::find(name).is_some() || self.program.function(span.file, name).is_some();
        let help = if function {
            Some(format!("`{name}` is a function: call it, `{name}(…)`"))
        } else if let Some(help) = elsewhere(name).map(str::to_string).or_else(|| self.of_equations(name)) {
            Some(help)
        } else {
            let values = self.scope.iter().copied().chain(GLOBALS);
            let topologies = self
                .program
                .names(span.file)
                .filter(|known| matches!(self.program.item(span.file, known), Some(Item::Topology(_))));
            let near = nearest(name, self.claim_words().chain(values).chain(topologies));
            let near = near.map(|near| format!("did you mean `{near}`?"));
            near.or_else(|| self.of_library(name, "topology"))
        };
        self.errors.push(ResolveError::UnknownName { name: name.to_string(), span, help });
    }

    fn call(&mut self, name: &'p Name, arguments: &'p [Argument], span: Span) {
        arguments.iter().for_each(|argument| self.expression(&argument.value));
        match self.program.item(name.span.file, &name.text) {
            Some(Item::Function(function)) => {
                self.arguments(&name.text, &function.parameters, arguments, span);
            }
            Some(Item::Topology(topology)) => {
                self.arguments(&name.text, &topology.parameters, arguments, span);
            }
            _ if self.words && is_word(&name.text) => {}
            Some(item) => self.wrong_item(&name.text, item, "a function", name.span),
            None => match builtin_names::find(&name.text) {
                Some(builtin) if builtin.takes(arguments) => {}
                Some(builtin) => self.errors.push(ResolveError::WrongArity {
                    function: name.text.clone(),
                    expected: builtin.expected(),
                    found: arguments.len(),
                    span,
                    help: None,
                }),
                None => self.unknown_function(name),
            },
        }
    }

    fn unknown_function(&mut self, name: &Name) {
        let callable = |known: &&str| {
            let item = self.program.item(name.span.file, known);
            matches!(item, Some(Item::Function(_) | Item::Topology(_)))
        };
        let callable = self.program.names(name.span.file).filter(callable);
        let callable = self.claim_words().chain(callable).chain(BUILTINS.iter().map(|builtin| builtin.name));
        let near = || nearest(&name.text, callable).map(|near| format!("did you mean `{near}`?"));
        let help = elsewhere(&name.text).map(str::to_string).or_else(|| self.of_equations(&name.text));
        let help = help.or_else(near).or_else(|| self.of_library(&name.text, "topology"));
        self.errors.push(ResolveError::UnknownName { name: name.text.clone(), span: name.span, help });
    }

    fn arguments(&mut self, function: &str, parameters: &[Parameter], arguments: &[Argument], span: Span) {
        let mut given = vec![false; parameters.len()];
        let mut fits = true;
        for (place, argument) in arguments.iter().enumerate() {
            let at = match &argument.name {
                None => place,
                Some(name) => {
                    let names = parameters.iter().map(|parameter| parameter.name.text.as_str());
                    match names.clone().position(|known| known == name.text) {
                        Some(at) => at,
                        None => return self.unknown_argument(function, name, names.collect()),
                    }
                }
            };
            fits &= given.get(at) == Some(&false);
            given.get_mut(at).into_iter().for_each(|given| *given = true);
        }
        let missing: Vec<_> = parameters
            .iter()
            .zip(&given)
            .filter(|(parameter, given)| !**given && parameter.default.is_none())
            .map(|(parameter, _)| format!("`{}`", parameter.name.text))
            .collect();
        if !fits || !missing.is_empty() {
            let help = (!missing.is_empty()).then(|| format!("missing: {}", missing.join(", ")));
            let (function, expected) = (function.to_string(), signature(parameters));
            self.errors.push(ResolveError::WrongArity {
                function,
                expected,
                found: arguments.len(),
                span,
                help,
            });
        }
    }

    fn unknown_argument(&mut self, function: &str, name: &Name, known: Vec<&str>) {
        let help = match nearest(&name.text, known.iter().copied()) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if known.is_empty() => Some(format!("`{function}` takes no parameters")),
            None => Some(format!("its parameters are `{}`", known.join("`, `"))),
        };
        let (function, span) = (function.to_string(), name.span);
        self.errors.push(ResolveError::UnknownArgument { function, name: name.text.clone(), span, help });
    }

    /// An expression whose value is a topology: one by name, or any other expression.
    fn topology(&mut self, expression: &'p Expression) {
        let name = match &*expression.kind {
            ExpressionKind::Name(name) => name,
            ExpressionKind::Call(name, _) => &name.text,
            _ => return self.expression(expression),
        };
        let item = self.program.item(expression.span.file, name);
        let value = self.scope.contains(&name.as_str()) || GLOBALS.contains(&name.as_str());
        let function = item.is_none() && builtin_names::find(name).is_some();
        if value || function || matches!(item, Some(Item::Function(_))) {
            self.expression(expression);
        } else {
            self.entry(expression, "a topology");
        }
    }

    /// A topology or an algorithm, by name, with arguments or without.
    fn entry(&mut self, expression: &'p Expression, expected: &'static str) {
        let span = expression.span;
        let (name, at, arguments): (&str, Span, &[Argument]) = match &*expression.kind {
            ExpressionKind::Name(name) => (name, span, &[]),
            ExpressionKind::Call(name, arguments) => (&name.text, name.span, arguments),
            // Evaluation says what is expected.
            _ => return,
        };
        arguments.iter().for_each(|argument| self.expression(&argument.value));
        match self.program.item(at.file, name) {
            Some(item) if kind(item) == expected => {
                // Parameters without a default may still come from the command line.
                let parameters = declaration(item).map_or(&[][..], |(_, parameters)| parameters);
                if !arguments.is_empty() {
                    self.arguments(name, parameters, arguments, span);
                }
            }
            Some(item) => self.wrong_item(name, item, expected, at),
            None => self.unknown_entry(name, expected, at),
        }
    }

    fn unknown_entry(&mut self, name: &str, expected: &str, span: Span) {
        let part = if expected == "a topology" { "topology" } else { "algorithm" };
        let known = self
            .program
            .names(span.file)
            .filter(|known| self.program.item(span.file, known).is_some_and(|item| kind(item) == expected));
        let functions = COMBINATIONS.into_iter().filter(|_| part == "topology");
        let library_name = format!("{part}::{name}");
        let algorithm = format!("algorithm::{name}");
        let help = if let Some(help) = self.of_library(name, part) {
            Some(help)
        } else if self.on_command_line && library::source(&algorithm).is_some() {
            Some(format!("did you mean the algorithm `{algorithm}`?"))
        } else if let Some(near) = nearest(name, known.chain(functions)) {
            Some(format!("did you mean `{near}`?"))
        } else {
            let near = nearest(&library_name, library::names());
            near.map(|near| match self.on_command_line {
                true => format!("did you mean `{near}`?"),
                false => format!("did you mean `{near}` of the library? It needs `use {near}`"),
            })
        };
        self.errors.push(ResolveError::UnknownName { name: name.to_string(), span, help });
    }

    /// The words of claims, where they are known.
    fn claim_words(&self) -> impl Iterator<Item = &'p str> + use<'p> {
        let known = self.words;
        claim::words().filter(move |_| known).map(|word| -> &'p str { word })
    }

    /// Where a name may stand that only algorithms or claims have.
    fn of_equations(&self, name: &str) -> Option<String> {
        if EQUATION_CALLS.contains(&name) {
            let place = format!("`{name}` may stand in the equations of an algorithm only");
            return Some(match self.function {
                Some(function) => {
                    format!("{place}: hand its value to the function there, `{function}({name}(…))`")
                }
                None => place,
            });
        }
        if name == "t" {
            return Some("phases are counted by a loop, `for t in 0..4 { phase { … } }`; steps by the `t` of an algorithm".into());
        }
        if ALGORITHM_NAMES.contains(&name) {
            return Some(format!("`{name}` has a value in algorithms only"));
        }
        let place = match Number::from_word(name) {
            Some(_) => "`ensure`, `requires` and the equations of an algorithm",
            None => "`ensure` and the `requires` of an algorithm",
        };
        is_word(name).then(|| format!("`{name}` may stand in {place}"))
    }

    /// What to say where the library has the name.
    fn of_library(&self, name: &str, part: &str) -> Option<String> {
        let name = format!("{part}::{name}");
        library::source(&name)?;
        Some(match self.on_command_line {
            true => format!("write `{name}`"),
            false => format!("add `use {name}` at the top of the file"),
        })
    }

    fn wrong_item(&mut self, name: &str, item: &Item, expected: &'static str, span: Span) {
        let found = kind(item);
        self.errors.push(ResolveError::WrongItem { name: name.to_string(), found, expected, span });
    }
}

/// What to write for a name that other languages and libraries have.
fn elsewhere(name: &str) -> Option<&'static str> {
    Some(match name {
        "rank" | "me" | "my_rank" => "a rank is the variable of a loop over all of them, `for i in ranks`",
        "n" | "N" | "world_size" | "num_nodes" | "nranks" => "the number of ranks is `size`",
        "range" => "a range is written `a..b`, without its end `b`",
        "fmod" | "rem" => "the remainder is written `a mod b`",
        "pow" | "exp2" => "a power is written `a^b`",
        "log2" | "ceil_log2" => {
            "the logarithm that the language has is `ceil_log(n, base)` or `floor_log(n, base)`"
        }
        _ => return None,
    })
}

fn is_word(name: &str) -> bool {
    claim::words().any(|word| word == name)
}

fn kind(item: &Item) -> &'static str {
    match item {
        Item::Use(_) => "an import",
        Item::Function(_) => "a function",
        Item::Topology(_) => "a topology",
        Item::Algorithm(_) => "an algorithm",
        Item::Schedule(_) => "a schedule",
    }
}

/// What a function takes, in words.
pub fn signature(parameters: &[Parameter]) -> String {
    let names: Vec<_> = parameters.iter().map(|parameter| format!("`{}`", parameter.name.text)).collect();
    match names.len() {
        0 => "no arguments".to_string(),
        1 => format!("one argument, {}", names[0]),
        count => format!("{count} arguments, {}", names.join(", ")),
    }
}

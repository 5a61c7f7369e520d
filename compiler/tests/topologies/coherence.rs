//! No two numbers of one report contradict each other: every topology of the library, at sizes on both sides of the limits
//! at which the way of computing changes.

use bfc_compiler::{
    Analysis, Assumptions, Candidate, Detail, Entry, NoFiles, Request, analyze_on, candidate, library,
};

/// Steps that are counted in any case.
const MOST_COUNTED: f64 = 5e6;

/// What rounding may be, relatively; estimates may be off by more.
const ROUNDING: f64 = 1e-9;
const ESTIMATE: f64 = 1e-5;

/// A report, and what in it does not fit together.
struct Report<'a> {
    analysis: &'a Analysis,
    wrong: Vec<String>,
}

impl Report<'_> {
    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(what());
        }
    }

    fn method(&self, key: &str) -> &'static str {
        self.analysis.methods.get(key).copied().unwrap_or("")
    }

    /// How far off a number may be, relatively.
    fn tolerance(&self, keys: &[&str]) -> f64 {
        let is_sharp = |key: &&str| matches!(self.method(key), "exact" | "enclosed");
        if keys.iter().all(is_sharp) { ROUNDING } else { ESTIMATE }
    }

    /// a ≤ b, where both are there.
    fn ordered(&mut self, a: (&str, Option<f64>), b: (&str, Option<f64>)) {
        let tolerance = self.tolerance(&[a.0, b.0]);
        if let (Some(x), Some(y)) = (a.1, b.1) {
            let slack = tolerance * (1.0 + x.abs().max(y.abs()));
            self.expect(x <= y + slack, || format!("{} = {x:e} is above {} = {y:e}", a.0, b.0));
        }
    }

    fn equal(&mut self, a: (&str, Option<f64>), b: (&str, Option<f64>)) {
        self.ordered(a, b);
        self.ordered(b, a);
    }
}

/// All contradictions of a report.
fn contradictions(analysis: &Analysis) -> Vec<String> {
    let mut report = Report { analysis, wrong: vec![] };
    properties(&mut report);
    enclosures(&mut report);
    claims(&mut report);
    spectra(&mut report);
    counts(&mut report);
    curve(&mut report);
    traffic(&mut report);
    report.wrong
}

fn properties(report: &mut Report) {
    let a = report.analysis;
    report.expect(a.doubly_stochastic == (a.row_stochastic && a.column_stochastic), || "sums".into());
    report.expect(a.connected || a.primitive != Some(true), || "primitive and not connected".into());
    if a.doubly_stochastic && a.nonnegative {
        report.expect(a.primitive == a.contracting, || "primitive, and not contracting, or not so".into());
    }
    for (key, [low, high]) in &a.bounds {
        let json = serde_json::to_value(a).unwrap();
        let value = json[*key].as_f64();
        let holds = value.is_some_and(|value| low <= high && *low <= value && value <= *high);
        report.expect(holds, || format!("{key} = {value:?} is not in {low:e}..{high:e}"));
    }
}

/// Enclosures of numbers that are one number, or follow from each other, overlap.
fn enclosures(report: &mut Report) {
    let a = report.analysis;
    let bounds = |key: &str| a.bounds.get(key).copied();
    let mut overlap = |what: &str, x: Option<[f64; 2]>, y: Option<[f64; 2]>| {
        let Some(([a, b], [c, d])) = x.zip(y) else { return };
        let slack = ROUNDING * (1.0 + b.abs().max(d.abs()));
        report.expect(a <= d + slack && c <= b + slack, || format!("{what}: {a:e}..{b:e} and {c:e}..{d:e}"));
    };
    if a.period == 1 {
        let complement = bounds("rho").map(|[low, high]| [1.0 - high, 1.0 - low]);
        overlap("spectral_gap and 1 − rho", bounds("spectral_gap"), complement);
        overlap("sigma2 and period_contraction", bounds("sigma2"), bounds("period_contraction"));
        overlap("rho and asymptotic_rate", bounds("rho"), bounds("asymptotic_rate"));
        if a.symmetric {
            overlap("rho and sigma2", bounds("rho"), bounds("sigma2"));
        }
    }
    let period = bounds("rate_per_step").map(|rates| rates.map(|rate| rate.max(0.0).powf(a.period as f64)));
    overlap("rate_per_step and period_contraction", period, bounds("period_contraction"));
    if let Some(([low, _], [_, high])) = bounds("asymptotic_rate").zip(bounds("rate_per_step")) {
        report.expect(low <= high + ROUNDING, || format!("a radius from {low:e} on, a norm up to {high:e}"));
    }
}

/// Verdicts on what the topology ensures are those of the report.
fn claims(report: &mut Report) {
    let a = report.analysis;
    for check in &a.checks {
        let verdict = match check.verdict.word().as_str() {
            "proved" => true,
            "refuted" => false,
            _ => continue,
        };
        let found = match check.claim.text.as_str() {
            "doubly_stochastic" => Some(a.doubly_stochastic),
            "row_stochastic" => Some(a.row_stochastic),
            "column_stochastic" => Some(a.column_stochastic),
            "nonnegative" => Some(a.nonnegative),
            "symmetric" => Some(a.symmetric),
            "connected" => Some(a.connected),
            "primitive" => a.primitive,
            "contracting" => a.contracting,
            "exact_average" => a.exact_average,
            "rho == 0" => a.rho.map(|rho| rho == 0.0),
            _ => None,
        };
        report.expect(found.is_none_or(|found| found == verdict), || {
            format!("`{}` is {verdict}, and {found:?}", check.claim.text)
        });
    }
}

fn spectra(report: &mut Report) {
    let a = report.analysis;
    let period = a.period as f64;
    if a.symmetric && a.row_stochastic {
        report.ordered(("least_sigma2", a.least_sigma2), ("sigma2", a.sigma2));
        let least = a.least_sigma2.filter(|_| a.sigma2 == Some(0.0)).unwrap_or(0.0);
        report.expect(least == 0.0, || format!("sigma2 is 0, and the least is {least:e}"));
    }
    let number = |key: &'static str, value: Option<f64>| (key, value);
    let contraction = number("period_contraction", a.period_contraction);
    let radius = number("asymptotic_rate", a.asymptotic_rate);
    let rate = number("rate_per_step", a.rate_per_step);
    report.ordered(radius, rate);
    let power = |rate: Option<f64>| rate.map(|rate| rate.powf(period));
    report.equal((contraction.0, contraction.1), (rate.0, power(rate.1)));
    if a.period == 1 {
        report.equal(number("sigma2", a.sigma2), contraction);
        report.equal(number("rho", a.rho), radius);
        report.equal(number("spectral_gap", a.spectral_gap), number("rho", a.rho.map(|rho| 1.0 - rho)));
        report.ordered(
            number("lambda_min", a.lambda_min.map(f64::abs)),
            ("rho", a.rho.map(|rho| rho.max(f64::from(u8::from(a.size == 1))))),
        );
    }
    if a.period == 1 && a.symmetric {
        report.equal(number("rho", a.rho), number("sigma2", a.sigma2));
    }
    for (key, least) in
        [("least_sigma2", a.least_sigma2), ("least_sigma2_nonnegative", a.least_sigma2_nonnegative)]
    {
        if a.symmetric && (key == "least_sigma2" || a.nonnegative) {
            let low = a.bounds.get(key).map(|bounds| bounds[0]);
            report.ordered((key, low.and(least).and(low)), number("sigma2", a.sigma2));
        }
    }
    report.ordered(
        number("least_sigma2", a.bounds.get("least_sigma2").map(|b| b[0])),
        number("least_sigma2_nonnegative", a.least_sigma2_nonnegative),
    );
    if a.doubly_stochastic && a.nonnegative {
        report.ordered(contraction, ("", Some(1.0)));
        report.ordered(("", Some(1.0)), number("effective_neighbours", a.effective_neighbours));
        report.ordered(number("effective_neighbours", a.effective_neighbours), ("", Some(f64::from(a.size))));
    }
    match a.contracting {
        Some(true) => {
            report.expect(radius.1.is_none_or(|rate| rate < 1.0), || format!("contracting at {:?}", radius.1))
        }
        Some(false) if a.row_stochastic || a.column_stochastic => {
            report.ordered(("", Some(1.0)), radius);
        }
        _ => {}
    }
    if a.exact_average == Some(true) {
        report.expect(a.period_contraction == Some(0.0), || "an exact average with a contraction".into());
        report.expect(a.exact_after.is_some_and(|steps| steps <= a.period as u64), || {
            "an exact average that comes later".into()
        });
    }
    if !a.connected && a.size > 1 && a.doubly_stochastic {
        let never = a.exact_after.is_none() && a.rounds_to_1e_3.is_none() && a.contracting != Some(true);
        report.expect(never, || "ranks agree that do not all hear from each other".into());
    }
    if a.doubly_stochastic && a.nonnegative {
        report.ordered(("", Some(-1.0)), number("lambda_min", a.lambda_min));
        let least = a.expected_contraction.as_ref().map(|expected| expected.interval[1]);
        report
            .expect(least.is_none_or(|mean| (0.0..=1.0 + ESTIMATE).contains(&mean)), || format!("{least:?}"));
    }
    if a.exact_after.is_some() && a.row_stochastic {
        report.expect(a.asymptotic_rate == Some(0.0), || {
            format!("exact, and a rate of {:?}", a.asymptotic_rate)
        });
    }
    if a.exact_after.is_some_and(|steps| steps <= a.period as u64) && a.row_stochastic {
        report.expect(a.exact_average == Some(true), || "exact within a period, which is none".into());
    }
}

/// ln ε / ln x, where that says something.
fn steps_of(rate: Option<f64>, epsilon: f64) -> Option<f64> {
    rate.filter(|rate| *rate > 0.0 && *rate < 1.0).map(|rate| epsilon.ln() / rate.ln())
}

fn counts(report: &mut Report) {
    let a = report.analysis;
    let counts = [("rounds_to_1e-3", a.rounds_to_1e_3, 1e-3), ("rounds_to_1e-6", a.rounds_to_1e_6, 1e-6)];
    let [(_, coarse, _), (_, fine, _)] = counts;
    report.expect(coarse <= fine || fine.is_none(), || format!("{coarse:?} steps to 1e-3, {fine:?} to 1e-6"));
    for (key, steps, epsilon) in counts {
        if let Some(exact) = a.exact_after {
            report.expect(steps.is_some_and(|steps| steps <= exact), || {
                format!("{key} = {steps:?}, exact after {exact}")
            });
        }
        // What shrinks in every period is counted.
        let periods =
            steps_of(a.period_contraction, epsilon).filter(|_| a.doubly_stochastic && a.nonnegative);
        let few = periods.is_some_and(|periods| periods * (a.period as f64) < MOST_COUNTED);
        report.expect(steps.is_some() || !few, || {
            format!("{key} is not known, and about {periods:?} periods of {}", a.period)
        });
        let Some(steps) = steps.map(|steps| steps as f64) else { continue };
        if !a.doubly_stochastic || a.size == 1 {
            continue;
        }
        // A product's norm is at least its radius, which is the rate in every step.
        let slack = 1.0 + report.tolerance(&[key, "asymptotic_rate"]) * steps;
        if let Some(least) = steps_of(a.asymptotic_rate, epsilon) {
            let whole = (steps / a.period as f64).floor() == steps / a.period as f64;
            report.expect(!whole || steps + slack >= least, || {
                format!("{key} = {steps}, {least} by asymptotic_rate")
            });
        }
        let periods = steps_of(a.period_contraction, epsilon).filter(|_| a.nonnegative);
        let most = periods.map(|periods| periods.ceil() * a.period as f64);
        report.expect(most.is_none_or(|most| steps <= most + slack), || {
            format!("{key} = {steps}, {most:?} by period_contraction")
        });
    }
}

fn curve(report: &mut Report) {
    let a = report.analysis;
    let Some(points) = &a.consensus_error else { return };
    let tolerance = report.tolerance(&["consensus_error"]).max(1e-7);
    report
        .expect(points.iter().all(|(_, error)| error.is_finite() && *error >= 0.0), || format!("{points:?}"));
    report.expect(points.windows(2).all(|pair| pair[0].0 < pair[1].0), || format!("{points:?}"));
    if !a.doubly_stochastic {
        return;
    }
    if a.nonnegative {
        let falls = points.windows(2).all(|pair| pair[1].1 <= pair[0].1 * (1.0 + tolerance) + 1e-15);
        report.expect(falls, || format!("errors grow: {points:?}"));
    }
    for &(steps, error) in points {
        if steps == a.period as u64 {
            report.equal(("consensus_error", Some(error)), ("period_contraction", a.period_contraction));
        }
        if a.exact_after.is_some_and(|exact| exact <= steps) {
            report.expect(error == 0.0, || {
                format!("an error of {error:e} after {steps} steps, when all is exact")
            });
        }
        let is_sharp = matches!(report.method("consensus_error"), "exact" | "enclosed");
        report.expect(error > 0.0 || !is_sharp || a.exact_after.is_some_and(|exact| exact <= steps), || {
            format!("no error after {steps} steps, and exact after {:?}", a.exact_after)
        });
        for (key, count, epsilon) in
            [("rounds_to_1e-3", a.rounds_to_1e_3, 1e-3), ("rounds_to_1e-6", a.rounds_to_1e_6, 1e-6)]
        {
            let is_there = count.is_some_and(|count| count <= steps);
            let is_small = error <= epsilon * (1.0 + tolerance);
            let is_large = error > epsilon * (1.0 - tolerance);
            if a.nonnegative && report.method(key) != "at least" {
                let holds = if is_there { is_small } else { is_large };
                report
                    .expect(holds, || format!("{key} = {count:?}, and an error of {error:e} after {steps}"));
            }
        }
    }
}

fn traffic(report: &mut Report) {
    let a = report.analysis;
    report.expect(a.rounds == a.max_in_degree.max(a.max_out_degree), || "rounds".into());
    report.expect(a.bytes_per_rank_per_model_byte <= f64::from(a.max_out_degree), || "bytes".into());
    if let Some(limit) = &a.stationary {
        let sum: f64 = limit.weights.iter().sum();
        report.expect((sum - 1.0).abs() < ROUNDING, || format!("weights of the limit sum to {sum}"));
        let [least, greatest] = [limit.least.1, limit.greatest.1];
        let within = limit.weights.iter().all(|weight| (least..=greatest).contains(weight));
        report.expect(within && limit.weights.len() == a.size as usize, || "weights of the limit".into());
        report.expect(!a.doubly_stochastic && a.contracting != Some(false), || "a limit".into());
    }
    if let Some(expected) = &a.expected_contraction {
        let [low, high] = expected.interval;
        report.expect(low <= expected.mean && expected.mean <= high, || format!("{expected:?}"));
        report.expect(expected.draws == a.period, || format!("{expected:?}"));
    }
}

/// What a topology needs besides a size.
fn request(name: &str, size: u32) -> Request {
    let machines = [
        "topology::hierarchical",
        "topology::inner_outer_exact",
        "topology::inner_outer_expo2",
        "topology::inner_outer_ring",
    ];
    let local_size = if machines.contains(&name) && size.is_multiple_of(4) { 4 } else { 1 };
    Request { local_size, ..Request::new(Entry::Library(name.into()), size) }
}

fn topologies() -> impl Iterator<Item = &'static str> {
    library::names().into_iter().filter(|name| name.starts_with("topology::"))
}

fn holds_at(sizes: &[u32]) {
    holds_within(sizes, f64::INFINITY);
}

/// Of the topologies whose spectra take at most so many operations.
fn holds_within(sizes: &[u32], most_work: f64) {
    let (mut wrong, mut reports) = (vec![], 0);
    for name in topologies() {
        for &size in sizes {
            let request = request(name, size);
            let is_quick = |tried: Candidate| tried.work() <= most_work;
            if most_work.is_finite() && !candidate(&request, &NoFiles).is_ok_and(is_quick) {
                continue;
            }
            // What a size rules out, `requires` says.
            let Ok(analysis) = analyze_on(&request, &NoFiles, Assumptions::default(), Detail::Curves) else {
                continue;
            };
            reports += 1;
            wrong.extend(
                contradictions(&analysis).into_iter().map(|what| format!("{name} at {size}: {what}")),
            );
        }
    }
    assert!(reports >= 20 * sizes.len(), "{reports} reports of {} sizes", sizes.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn small_reports_do_not_contradict_themselves() {
    holds_at(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 16, 17, 25, 32, 33, 36, 48]);
}

/// Ranks up to which the least norms are reported.
#[test]
fn reports_at_64_ranks_do_not_contradict_themselves() {
    holds_at(&[63, 64, 65]);
}

/// Both sides of the sizes from which matrices are not formed, spectra not computed whole and counts not proved, where the
/// numbers come quickly all the same.
#[test]
fn reports_beside_limits_do_not_contradict_themselves() {
    holds_within(&[512, 513, 640, 641, 1024, 1025], 1e7);
}

/// On both sides of the sizes from which matrices are not formed, spectra not computed whole and counts not proved.
mod long {
    use super::holds_at;

    #[test]
    #[ignore = "takes many minutes: cargo xtask test long"]
    fn reports_beside_limits_do_not_contradict_themselves() {
        holds_at(&[127, 128, 255, 256, 257, 511, 512, 513]);
    }

    #[test]
    #[ignore = "takes many minutes: cargo xtask test long"]
    fn reports_of_what_is_not_formed_do_not_contradict_themselves() {
        holds_at(&[639, 640, 641, 1000]);
    }

    #[test]
    #[ignore = "takes many minutes: cargo xtask test long"]
    fn reports_of_a_thousand_ranks_and_more_do_not_contradict_themselves() {
        holds_at(&[1023, 1024, 1025, 2048, 2049, 4096]);
    }
}

//! Whether a random algorithm is stable: its map, by running it on basis vectors in rational arithmetic.

use super::instance::{Coefficient, Expression, Instance, Number, Start, number};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

type Vector = Vec<Number>;
type Matrix = Vec<Vector>;

/// A run: what every rank holds of each state, what is on its way, and how often ranks have sent.
struct Run<'a> {
    instance: &'a Instance,
    states: Vec<Vector>,
    /// Of each delayed mix, in the order of the text, what was sent: the last first.
    flights: Vec<Vec<Vector>>,
    sent: usize,
    t: u64,
}

/// What a run meets while it makes a step.
struct Pass {
    sends: bool,
    flight: usize,
    arrivals: Vec<Vec<Vector>>,
}

/// Numbers that stand for what the trainer brings and answers: different on each rank.
fn answer(what: u64, rank: usize) -> Number {
    number([3, 1, -2, 5, 2, 7][(what as usize + 2 * rank) % 6] + rank as i64, 2)
}

impl Run<'_> {
    fn phase(&self, topology: usize) -> &Vec<Vec<Option<Number>>> {
        let phases = &self.instance.topologies[topology].phases;
        &phases[self.sent % phases.len()].0
    }

    fn step(&mut self) {
        let which = usize::from(!self.instance.condition.holds(self.t));
        let mut pass = Pass { sends: false, flight: 0, arrivals: vec![] };
        let next = self.instance.steps[which].iter().zip(&self.states).map(|(next, old)| match next {
            Some(expression) => self.value(expression, &mut pass),
            None => old.clone(),
        });
        self.states = next.collect::<Vec<_>>();
        self.flights = pass.arrivals;
        self.sent += usize::from(pass.sends);
        self.t += 1;
    }

    fn value(&self, expression: &Expression, pass: &mut Pass) -> Vector {
        let size = self.instance.size;
        match expression {
            Expression::State(state) => self.states[*state].clone(),
            Expression::Number(number) => vec![number.clone(); size],
            Expression::Params => (0..size).map(|rank| answer(0, rank)).collect(),
            Expression::Gradient => (0..size).map(|rank| answer(1, rank)).collect(),
            Expression::Sum(a, b) => {
                let (a, b) = (self.value(a, pass), self.value(b, pass));
                a.iter().zip(&b).map(|(a, b)| a + b).collect()
            }
            Expression::Difference(a, b) => {
                let (a, b) = (self.value(a, pass), self.value(b, pass));
                a.iter().zip(&b).map(|(a, b)| a - b).collect()
            }
            Expression::Times(factor, v) => {
                let v = self.value(v, pass);
                (0..size).map(|rank| &v[rank] * self.factor(factor, rank)).collect()
            }
            Expression::Mix(k, v) => {
                pass.sends = true;
                let v = self.value(v, pass);
                (0..size).map(|i| self.sum(*k, i, &v, |_, weight| weight.clone())).collect()
            }
            Expression::Delayed(k, delay, v) => {
                pass.sends = true;
                let v = self.value(v, pass);
                let part = |own: bool| {
                    let weight = |i: usize| {
                        move |j: usize, weight: &Number| {
                            if (i == j) == own { weight.clone() } else { Number::zero() }
                        }
                    };
                    (0..size).map(|i| self.sum(*k, i, &v, weight(i))).collect::<Vector>()
                };
                let zero = vec![vec![Number::zero(); size]; *delay];
                let before = self.flights.get(pass.flight).unwrap_or(&zero);
                let arrived =
                    part(true).iter().zip(&before[delay - 1]).map(|(own, other)| own + other).collect();
                let mut after = vec![part(false)];
                after.extend_from_slice(&before[..delay - 1]);
                pass.arrivals.push(after);
                pass.flight += 1;
                arrived
            }
            Expression::Average(v) => {
                pass.sends = true;
                let sum: Number = self.value(v, pass).iter().sum();
                vec![sum / Number::from_integer(size.into()); size]
            }
            Expression::Incoming(k, v) => {
                pass.sends = true;
                let v = self.value(v, pass);
                let one = |i: usize| {
                    move |j: usize, _: &Number| if i == j { Number::zero() } else { Number::one() }
                };
                (0..size).map(|i| self.sum(*k, i, &v, one(i))).collect()
            }
            Expression::ByGradient(v) => {
                let v = self.value(v, pass);
                (0..size).map(|rank| answer(1, rank) * &v[rank]).collect()
            }
        }
    }

    fn sum(&self, k: usize, i: usize, v: &Vector, weight: impl Fn(usize, &Number) -> Number) -> Number {
        let row = self.phase(k)[i].iter().enumerate();
        row.filter_map(|(j, known)| Some(weight(j, known.as_ref()?) * &v[j])).sum()
    }

    fn factor(&self, factor: &Coefficient, rank: usize) -> Number {
        let degree = |k: usize| {
            let row = self.phase(k)[rank].iter().enumerate();
            Number::from_integer(row.filter(|(j, weight)| *j != rank && weight.is_some()).count().into())
        };
        match factor {
            Coefficient::Number(number) => number.clone(),
            Coefficient::Input => number(3, 4),
            Coefficient::Alternating => number((self.t % 2) as i64, 1) + number(1, 2),
            Coefficient::Degree(k) => degree(*k),
            Coefficient::PerNeighbour(k) => (degree(*k) + Number::one()).recip(),
        }
    }

    /// All that is carried from step to step.
    fn all(&self) -> Vec<Vector> {
        self.states.iter().chain(self.flights.iter().flatten()).cloned().collect()
    }
}

/// Steps after which conditions repeat.
const TRANSIENT: u64 = 2;

/// What is true of an instance.
pub struct Truth<'a> {
    instance: &'a Instance,
    /// Of every delayed mix its delay.
    delays: Vec<usize>,
    period: u64,
    sent: usize,
}

impl<'a> Truth<'a> {
    pub fn new(instance: &'a Instance) -> Self {
        let mut truth = Self { instance, delays: vec![], period: 1, sent: 0 };
        let mut run = truth.fresh();
        run.step();
        truth.delays = run.flights.iter().map(Vec::len).collect();
        (run.states, run.flights) = (truth.fresh().states, vec![]);
        let mut run = truth.fresh();
        (0..TRANSIENT).for_each(|_| run.step());
        truth.sent = run.sent;
        // Conditions and coefficients repeat after 6 steps; topologies are then as they were after as many times as it takes.
        let phases = instance.topologies.iter().fold(1, |all, topology| all.lcm(&topology.phases.len()));
        (0..6).for_each(|_| run.step());
        let each = run.sent - truth.sent;
        truth.period = 6 * (phases / phases.gcd(&each)) as u64;
        truth
    }

    fn fresh(&self) -> Run<'a> {
        let instance = self.instance;
        let start = |(state, start): (usize, &Start)| -> Vector {
            let value = |rank: usize| match start {
                Start::Params => answer(0, rank),
                Start::Gradient => answer(1, rank),
                // Any number will do: that it is common is what counts.
                Start::Average | Start::Number(_) => number(7 + 4 * state as i64, 3),
            };
            (0..instance.size).map(value).collect()
        };
        let states = instance.starts.iter().enumerate().map(start).collect();
        Run { instance, states, flights: vec![], sent: 0, t: 0 }
    }

    fn count(&self) -> usize {
        self.instance.starts.len() + self.delays.iter().sum::<usize>()
    }

    /// The affine map of steps from a time on, applied.
    fn apply(&self, t: u64, sent: usize, steps: u64, all: &[Vector]) -> Vec<Vector> {
        let (states, mut rest) = all.split_at(self.instance.starts.len());
        let mut flights = vec![];
        for delay in &self.delays {
            let (own, others) = rest.split_at(*delay);
            flights.push(own.to_vec());
            rest = others;
        }
        let mut run = Run { instance: self.instance, states: states.to_vec(), flights, sent, t };
        (0..steps).for_each(|_| run.step());
        run.all()
    }

    /// The linear map of steps from a time on, applied.
    fn map(&self, t: u64, sent: usize, steps: u64, all: &[Vector]) -> Vec<Vector> {
        let zero = vec![vec![Number::zero(); self.instance.size]; self.count()];
        let origin = self.apply(t, sent, steps, &zero);
        let image = self.apply(t, sent, steps, all);
        let less = |(a, b): (Vector, Vector)| a.into_iter().zip(b).map(|(a, b)| a - b).collect();
        image.into_iter().zip(origin).map(less).collect()
    }

    /// Times and how often ranks have sent, from the first step on to the end of a period.
    fn times(&self) -> Vec<(u64, usize)> {
        let mut run = self.fresh();
        let mut times = vec![];
        for _ in 0..TRANSIENT + self.period {
            times.push((run.t, run.sent));
            run.step();
        }
        times
    }

    /// The vector that holds these numbers in one state.
    fn only(&self, state: usize, numbers: Vector) -> Vec<Vector> {
        let mut all = vec![vec![Number::zero(); self.instance.size]; self.count()];
        all[state] = numbers;
        all
    }

    /// What a state makes of the others in a step while it is common.
    fn images(&self, state: usize, time: (u64, usize)) -> Vec<Vector> {
        self.map(time.0, time.1, 1, &self.only(state, vec![Number::one(); self.instance.size]))
    }

    fn kept(&self, constant: &[bool]) -> Vec<bool> {
        let images: Vec<Vec<Vec<Vector>>> = (0..self.count())
            .map(|state| {
                self.times()[TRANSIENT as usize..].iter().map(|time| self.images(state, *time)).collect()
            })
            .collect();
        let mut kept = vec![true; self.count()];
        loop {
            let fails =
                |state: usize| {
                    images[state].iter().flatten().zip((0..self.count()).cycle()).any(|(image, to)| {
                        !is_common(image) || !kept[to] && image.iter().any(|x| !x.is_zero())
                    })
                };
            let next: Vec<bool> =
                (0..self.count()).map(|state| kept[state] && (constant[state] || !fails(state))).collect();
            if next == kept {
                return kept;
            }
            kept = next;
        }
    }

    /// States that are common in a run whose numbers mean nothing, from a step on.
    fn common(&self, from: u64) -> Vec<bool> {
        let mut run = self.fresh();
        (0..from).for_each(|_| run.step());
        let mut common = vec![true; self.count()];
        for _ in from..TRANSIENT + 2 * self.period {
            common.iter_mut().zip(run.all()).for_each(|(common, value)| *common &= is_common(&value));
            run.step();
        }
        common
    }

    /// States that are common in such a run wherever a period starts.
    fn starts_common(&self) -> Vec<bool> {
        let mut run = self.fresh();
        (0..TRANSIENT).for_each(|_| run.step());
        let mut common = vec![true; self.count()];
        for _ in 0..3 {
            common.iter_mut().zip(run.all()).for_each(|(common, value)| *common &= is_common(&value));
            (0..self.period).for_each(|_| run.step());
        }
        common
    }

    /// Common states that keep their value.
    fn constant(&self, common: &[bool]) -> Vec<bool> {
        let size = self.instance.size;
        let zero = vec![vec![Number::zero(); size]; self.count()];
        let stays = |state: usize| {
            self.times()[TRANSIENT as usize..].iter().all(|&(t, sent)| {
                let columns = (0..self.count()).flat_map(|from| (0..size).map(move |rank| (from, rank)));
                let others = columns.filter(|(from, _)| *from != state).all(|(from, rank)| {
                    let mut unit = vec![Number::zero(); size];
                    unit[rank] = Number::one();
                    self.map(t, sent, 1, &self.only(from, unit))[state].iter().all(Zero::is_zero)
                });
                others
                    && self.images(state, (t, sent))[state].iter().all(One::is_one)
                    && self.apply(t, sent, 1, &zero)[state].iter().all(Zero::is_zero)
            })
        };
        (0..self.count()).map(|state| common[state] && stays(state)).collect()
    }

    /// The map of a period on what has to shrink.
    fn quotient(&self, common: &[bool]) -> Matrix {
        let size = self.instance.size;
        let constant = self.constant(common);
        let kept = self.kept(&constant);
        // Coordinates: (state, rank); less the last rank's where agreement is kept.
        let width = |state: usize| match (constant[state], common[state], kept[state]) {
            (true, ..) | (_, true, true) => 0,
            (_, true, false) => 1,
            (_, false, true) => size - 1,
            (_, false, false) => size,
        };
        let coordinates: Vec<(usize, usize)> =
            (0..self.count()).flat_map(|state| (0..width(state)).map(move |rank| (state, rank))).collect();
        let column = |(state, rank): &(usize, usize)| -> Vector {
            let mut unit = vec![if common[*state] { Number::one() } else { Number::zero() }; size];
            unit[*rank] = Number::one();
            let image = self.map(TRANSIENT, self.sent, self.period, &self.only(*state, unit));
            let read = |(to, at): &(usize, usize)| match kept[*to] {
                true => &image[*to][*at] - &image[*to][size - 1],
                false => image[*to][*at].clone(),
            };
            coordinates.iter().map(read).collect()
        };
        let columns: Vec<Vector> = coordinates.iter().map(column).collect();
        (0..columns.len()).map(|i| columns.iter().map(|column| column[i].clone()).collect()).collect()
    }

    /// Whether what has to shrink does in this run.
    pub fn shrinks(&self) -> bool {
        self.is_stable(&self.starts_common())
    }

    /// Whether it does whatever states hold that have not been common from the start.
    pub fn always_shrinks(&self) -> bool {
        self.is_stable(&self.common(0))
    }

    fn is_stable(&self, common: &[bool]) -> bool {
        let matrix = self.quotient(common);
        let n = matrix.len();
        if n == 0 {
            return true;
        }
        let float = |number: &Number| number.to_f64().unwrap_or(f64::NAN);
        let dense = bfc_algebra::Mat::from_fn(n, n, |i, j| float(&matrix[i][j]));
        let radius = bfc_algebra::eigenvalues(&dense)
            .map(|values| values.iter().map(|value| value.re.hypot(value.im)).fold(0.0, f64::max));
        match radius {
            Some(radius) if radius < 1.0 - CLOSE => true,
            Some(radius) if radius > 1.0 + CLOSE => false,
            _ => is_inside(&matrix),
        }
    }
}

/// How far from 1 a radius in 64-bit numbers decides: farther than a defective eigenvalue is off.
const CLOSE: f64 = 1e-2;

fn is_common(vector: &Vector) -> bool {
    vector.iter().all(|x| *x == vector[0])
}

/// Whether all eigenvalues lie inside the unit circle, exactly: Faddeev and LeVerrier in integers, then Schur and Cohn.
fn is_inside(matrix: &Matrix) -> bool {
    let n = matrix.len();
    let unit = matrix.iter().flatten().fold(BigInt::one(), |unit, x| unit.lcm(x.denom()));
    let whole: Vec<Vec<BigInt>> =
        matrix.iter().map(|row| row.iter().map(|x| x.numer() * (&unit / x.denom())).collect()).collect();
    let mut p = vec![BigInt::zero(); n + 1];
    p[n] = BigInt::one();
    let mut m = vec![vec![BigInt::zero(); n]; n];
    for k in 1..=n {
        m = times(&whole, &m);
        (0..n).for_each(|i| m[i][i] += &p[n - k + 1]);
        let trace: BigInt = (0..n).map(|i| (0..n).map(|j| &whole[i][j] * &m[j][i]).sum::<BigInt>()).sum();
        p[n - k] = -trace / BigInt::from(k);
    }
    // The roots of p are those of the matrix times the unit.
    let power = |k: usize| num_traits::pow(unit.clone(), k);
    let mut p: Vector = p.iter().enumerate().map(|(k, c)| Number::new(c.clone(), power(n - k))).collect();
    while p.len() > 1 {
        let first = p[0].clone();
        let lead = Number::one() - &first * &first;
        if !lead.is_positive() {
            return false;
        }
        p = (1..p.len()).map(|i| (&p[i] - &first * &p[p.len() - 1 - i]) / &lead).collect();
    }
    true
}

fn times(a: &[Vec<BigInt>], b: &[Vec<BigInt>]) -> Vec<Vec<BigInt>> {
    let n = a.len();
    let entry = |i: usize, j: usize| (0..n).map(|k| &a[i][k] * &b[k][j]).sum();
    (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect()
}

//! [`LeakPlan`]: what is to be measured, and [`LeakPlanError`], why it cannot be.

use std::fmt;
use std::str::FromStr;

use vrfleak_bench_data::provider::{ProviderShape, ShapeError};
use vrfleak_bench_data::workload::{Drawn, ParseWorkloadError, Workload};
use vrfleak_engine::{Network, Sharing};

use super::contender;
use crate::memory;
use crate::text::binary;

/// Rounds at most.
pub const MOST_ROUNDS: usize = 10_000;
/// Bytes of a route: in the model, ranked, and while it is ranked.
const ROUTE_BYTES: usize = 80;
/// Bytes of an imported route in RIB and FIB: 15.9 on D.
const IMPORT_BYTES: usize = 16;
/// The same where VRFs share: 0.2 to 0.9 for providers; where no two VRFs import alike it is as much as without, and this
/// is too little.
const SHARED_IMPORT_BYTES: usize = 1;
/// The same for the literal baseline: 93 on D.
const LITERAL_BYTES: usize = 96;
/// Bytes of a VRF, with its names, targets and tables.
const VRF_BYTES: usize = 1024;

/// A synthetic network by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// A [`Workload`].
    Workload(Workload),
    /// A [`ProviderShape`].
    Provider,
}

impl Scenario {
    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Workload(workload) => workload.name(),
            Self::Provider => "provider",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scenario {
    type Err = LeakPlanError;

    fn from_str(text: &str) -> Result<Self, LeakPlanError> {
        if text.eq_ignore_ascii_case("provider") {
            return Ok(Self::Provider);
        }
        let unknown = |ParseWorkloadError { text }| LeakPlanError::UnknownScenario { text };
        text.parse().map(Self::Workload).map_err(unknown)
    }
}

/// What grows from point to point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// The VPN routes.
    Routes,
    /// The VRFs.
    Vrfs,
    /// The import targets of a VRF.
    FanOut,
    /// The threads.
    Threads,
}

impl Sweep {
    const ALL: [Self; 4] = [Self::Routes, Self::Vrfs, Self::FanOut, Self::Threads];

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Routes => "routes",
            Self::Vrfs => "vrfs",
            Self::FanOut => "fanout",
            Self::Threads => "threads",
        }
    }
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Sweep {
    type Err = LeakPlanError;

    fn from_str(text: &str) -> Result<Self, LeakPlanError> {
        let named = Self::ALL.into_iter().find(|sweep| sweep.name() == text);
        named.ok_or_else(|| LeakPlanError::UnknownSweep { text: text.to_owned() })
    }
}

/// The sizes of one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// VPN routes.
    pub routes: usize,
    /// VRFs, as the scenario counts them.
    pub vrfs: usize,
    /// PEs of a provider.
    pub pes: usize,
    /// Import targets that a VRF draws; 0 where the scenario draws none.
    pub fan_out: usize,
}

/// What is measured, on which networks.
#[derive(Clone, Debug)]
pub struct LeakPlan {
    /// The kind of network.
    pub scenario: Scenario,
    /// Its sizes, the largest where something is swept.
    pub size: Size,
    /// What drawn VRFs have in common; its fan-out is that of the size.
    pub drawn: Drawn,
    /// Seed of what is drawn.
    pub seed: u64,
    /// Numbers of threads that ours is measured with; the literal baseline gets the greatest.
    pub threads: Vec<usize>,
    /// Names of contenders; none for all.
    pub contenders: Vec<String>,
    /// How often each contender has its turn.
    pub rounds: usize,
    /// What grows, in steps of two from an eighth on.
    pub sweep: Option<Sweep>,
    /// Whether to go on though the memory will not do.
    pub force: bool,
    /// Has the allocator of the program give back what was freed on the threads of the current rayon pool, and returns the
    /// bytes that are in use, if it counts them: called outside the clock, before every turn, and in the last round before
    /// what is held is read. Without it what was freed counts as held.
    pub give_back: fn() -> Option<usize>,
}

impl LeakPlan {
    /// Returns the plan that measures `scenario` at the sizes that it stands for, with one thread and with all.
    pub fn new(scenario: Scenario) -> Self {
        let size = match scenario {
            Scenario::Workload(workload) => Size {
                routes: workload.default_routes(),
                vrfs: workload.default_vrfs(),
                pes: 0,
                fan_out: if workload.draws() { Drawn::default().fan_out } else { 0 },
            },
            Scenario::Provider => {
                let ProviderShape { routes, vrfs, pes, .. } = ProviderShape::default();
                Size { routes, vrfs, pes, fan_out: 0 }
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if cores > 1 { vec![1, cores] } else { vec![1] };
        Self {
            scenario,
            size,
            drawn: Drawn::default(),
            seed: 1,
            threads,
            contenders: Vec::new(),
            rounds: 3,
            sweep: None,
            force: false,
            give_back: || None,
        }
    }

    /// Returns the plan that leaks a provider once our way, with `sharing` or without: what is to be checked and estimated
    /// before it is made for other ends.
    pub fn of_provider(shape: ProviderShape, sharing: Sharing) -> Self {
        let ProviderShape { routes, vrfs, pes, seed } = shape;
        let contender = match sharing {
            Sharing::Classes => contender::CLASSES,
            Sharing::None => contender::NO_SHARING,
        };
        let size = Size { routes, vrfs, pes, fan_out: 0 };
        Self { size, seed, contenders: vec![contender.to_owned()], ..Self::new(Scenario::Provider) }
    }

    /// Returns what tells whether a contender has turns: it is among those that were named, if any were, and can leak the
    /// scenario at all.
    ///
    /// # Errors
    ///
    /// The first name that no contender has.
    pub(super) fn takes(&self) -> Result<impl Fn(&str) -> bool, LeakPlanError> {
        let (chosen, has_policies) = (contender::chosen(&self.contenders)?, self.has_policies());
        Ok(move |name: &str| chosen(name) && !(has_policies && name == contender::LITERAL))
    }

    /// Returns whether the scenario has policies, of which the literal baseline knows nothing.
    pub(super) fn has_policies(&self) -> bool {
        matches!(self.scenario, Scenario::Workload(workload) if workload.has_policies())
    }

    /// Returns whether the scenario's VRFs draw what they have.
    pub(super) fn draws(&self) -> bool {
        matches!(self.scenario, Scenario::Workload(workload) if workload.draws())
    }

    fn drawn(&self, size: Size) -> Drawn {
        Drawn { fan_out: size.fan_out, ..self.drawn }
    }

    /// Checks everything that can be known before any network is made.
    ///
    /// # Errors
    ///
    /// The first number that is 0 or too great, a name that nobody has, and a memory that will not do.
    pub fn check(&self) -> Result<(), LeakPlanError> {
        contender::chosen(&self.contenders).map(|_| ())?;
        if self.has_policies() && self.contenders.iter().any(|name| name == contender::LITERAL) {
            return Err(LeakPlanError::NoPolicies { scenario: self.scenario });
        }
        let mut limits = vec![("rounds", self.rounds, MOST_ROUNDS), ("thread counts", self.threads.len(), 64)];
        limits.extend(self.threads.iter().map(|&threads| ("threads", threads, 1024)));
        for (what, value, limit) in limits {
            if value == 0 || value > limit {
                return Err(LeakPlanError::OutOfRange { what, value, limit });
            }
        }
        if !self.draws() && (self.size.fan_out > 0 || self.sweep == Some(Sweep::FanOut)) {
            return Err(LeakPlanError::NoFanOut { scenario: self.scenario });
        }
        if self.scenario != Scenario::Provider && self.size.pes > 1 {
            return Err(LeakPlanError::NoProvider { scenario: self.scenario, pes: self.size.pes });
        }
        if !self.draws() && self.drawn != Drawn::default() {
            return Err(LeakPlanError::NotDrawn { scenario: self.scenario });
        }
        for (size, _) in self.points() {
            match self.scenario {
                Scenario::Workload(workload) => workload.check(size.routes, size.vrfs, &self.drawn(size))?,
                Scenario::Provider => self.provider(size).check()?,
            }
        }
        if let Some(available) = memory::available_bytes().filter(|_| !self.force) {
            let estimate = self.estimate_bytes() as u64;
            if estimate > available {
                return Err(LeakPlanError::TooBig { estimate, available });
            }
        }
        Ok(())
    }

    /// Returns about how many bytes the largest network takes with the hungriest contender.
    pub fn estimate_bytes(&self) -> usize {
        let Size { routes, vrfs, .. } = self.size;
        let imported = match self.scenario {
            Scenario::Workload(workload) => workload.imports_hint(routes, vrfs, &self.drawn(self.size)),
            // A route reaches about 0.4 sites for each of the square root of the VRFs.
            Scenario::Provider => routes.saturating_mul(vrfs.isqrt()) / 5 * 2,
        };
        let takes = |name| self.takes().is_ok_and(|takes| takes(name));
        let import_bytes = match (takes(contender::LITERAL), takes(contender::NO_SHARING)) {
            (true, _) => LITERAL_BYTES,
            (false, true) => IMPORT_BYTES,
            (false, false) => SHARED_IMPORT_BYTES,
        };
        let routes = routes.saturating_mul(ROUTE_BYTES).saturating_add(vrfs.saturating_mul(VRF_BYTES));
        routes.saturating_add(imported.saturating_mul(import_bytes))
    }

    /// Returns the sizes that are measured, and the numbers of threads with each.
    pub(super) fn points(&self) -> Vec<(Size, Vec<usize>)> {
        let steps = |most: usize, least: usize| -> Vec<usize> {
            let mut steps: Vec<usize> = [8, 4, 2, 1].iter().map(|part| (most / part).max(least.min(most))).collect();
            steps.dedup();
            steps
        };
        let of = |change: &dyn Fn(&mut Size, usize), values: Vec<usize>| {
            let point = |value| {
                let mut size = self.size;
                change(&mut size, value);
                (size, self.threads.clone())
            };
            values.into_iter().map(point).collect()
        };
        match self.sweep {
            None => vec![(self.size, self.threads.clone())],
            Some(Sweep::Routes) => of(&|size, routes| size.routes = routes, steps(self.size.routes, 1)),
            Some(Sweep::Vrfs) => {
                // What a VRF draws cannot be more than there are.
                of(&|size, vrfs| size.vrfs = vrfs, steps(self.size.vrfs, self.size.fan_out.max(1)))
            }
            Some(Sweep::FanOut) => of(&|size, fan_out| size.fan_out = fan_out, steps(self.size.fan_out, 1)),
            Some(Sweep::Threads) => {
                let most = self.threads.iter().copied().max().unwrap_or(1);
                vec![(
                    self.size,
                    (0..10).map(|log| 1 << log).take_while(|&threads| threads < most).chain([most]).collect(),
                )]
            }
        }
    }

    fn provider(&self, size: Size) -> ProviderShape {
        ProviderShape { routes: size.routes, vrfs: size.vrfs, pes: size.pes, seed: self.seed }
    }

    /// Makes the network of this size in the current rayon pool.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub(super) fn network(&self, size: Size) -> Result<Network, ShapeError> {
        match self.scenario {
            Scenario::Workload(workload) => {
                workload.generate_drawn(size.routes, size.vrfs, &self.drawn(size), self.seed)
            }
            Scenario::Provider => self.provider(size).generate(),
        }
    }
}

/// Why a plan cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeakPlanError {
    /// A number is 0 or too great.
    OutOfRange {
        /// Of what.
        what: &'static str,
        /// The number.
        value: usize,
        /// The greatest there may be.
        limit: usize,
    },
    /// There is no network of these sizes.
    Shape(ShapeError),
    /// The scenario's VRFs draw no targets.
    NoFanOut {
        /// The scenario.
        scenario: Scenario,
    },
    /// The scenario has no PEs to choose.
    NoProvider {
        /// The scenario.
        scenario: Scenario,
        /// The PEs.
        pes: usize,
    },
    /// The scenario's VRFs draw nothing that could have another shape.
    NotDrawn {
        /// The scenario.
        scenario: Scenario,
    },
    /// The literal baseline was named, and the scenario has policies.
    NoPolicies {
        /// The scenario.
        scenario: Scenario,
    },
    /// The estimate exceeds the memory that is free.
    TooBig {
        /// Bytes that it will take, about.
        estimate: u64,
        /// Bytes that are free.
        available: u64,
    },
    /// No scenario has this name.
    UnknownScenario {
        /// The name.
        text: String,
    },
    /// Nothing that has this name can be swept.
    UnknownSweep {
        /// The name.
        text: String,
    },
    /// No contender has this name.
    UnknownContender {
        /// The name.
        text: String,
    },
}

impl From<ShapeError> for LeakPlanError {
    fn from(error: ShapeError) -> Self {
        Self::Shape(error)
    }
}

impl fmt::Display for LeakPlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { what, value, limit } => write!(f, "`{value}` {what}, expected 1 to {limit}"),
            Self::Shape(error) => error.fmt(f),
            Self::NoFanOut { scenario } => {
                write!(f, "the VRFs of `{scenario}` draw no import targets: its other sizes decide the fan-out")
            }
            Self::NoProvider { scenario, pes } => {
                write!(f, "`{pes}` PEs: those of `{scenario}` are given, a provider's alone can be chosen")
            }
            Self::NotDrawn { scenario } => {
                write!(
                    f,
                    "the VRFs of `{scenario}` draw nothing: targets a route, overlap, dual-homing and lengths are given"
                )
            }
            Self::NoPolicies { scenario } => {
                write!(f, "`{}` has no policies, and `{scenario}` is about one", contender::LITERAL)
            }
            Self::TooBig { estimate, available } => {
                let (estimate, available) = (binary(*estimate), binary(*available));
                write!(f, "this takes about `{estimate}` of memory, the limit is the {available} that are free")
            }
            Self::UnknownScenario { text } => {
                let names = Workload::ALL.map(Workload::name).join(", ");
                write!(f, "`{text}` is no scenario, expected one of {names}, provider")
            }
            Self::UnknownSweep { text } => {
                let names = Sweep::ALL.map(Sweep::name).join(", ");
                write!(f, "`{text}` cannot be swept, expected one of {names}")
            }
            Self::UnknownContender { text } => {
                write!(f, "`{text}` is no contender, expected some of {}", contender::NAMES.join(", "))
            }
        }
    }
}

impl std::error::Error for LeakPlanError {}

//! [`Isa`]: which instructions a batch may use.

/// The instructions that a batch may use. Whoever holds a value runs on a processor that has them.
///
/// There is one walk; a level says which instructions it is compiled for. No level gathers: a level's gain is what the
/// bit counts and shifts of its instruction set save.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Isa(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Isa {
    /// What every processor of the target has.
    pub const PORTABLE: Self = Self(Level::Portable);

    /// Returns AVX2 with BMI1, BMI2 and POPCNT, if this processor has them.
    #[cfg(target_arch = "x86_64")]
    pub fn avx2() -> Option<Self> {
        let all = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        all.then_some(Self(Level::Avx2))
    }

    /// Returns `None`: not this architecture.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn avx2() -> Option<Self> {
        None
    }

    /// Returns every level that this processor has, the least first.
    pub fn available() -> impl Iterator<Item = Self> {
        [Some(Self::PORTABLE), Self::avx2()].into_iter().flatten()
    }

    /// Returns the highest level that this processor has.
    pub fn fastest() -> Self {
        Self::avx2().unwrap_or(Self::PORTABLE)
    }

    /// Returns the level's name: `portable` or `avx2`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
        }
    }

    /// Returns the level; whoever has it may call what needs its features.
    pub(super) fn level(self) -> Level {
        self.0
    }
}

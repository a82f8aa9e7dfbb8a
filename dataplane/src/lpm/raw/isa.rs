//! [`Isa`]: which instructions a batch may use.

/// The instructions that a batch may use. Whoever holds a value runs on a processor that has them.
///
/// A level says which instructions the walks are compiled for. Sparse tables have a walk of their own with AVX-512; for
/// the others that level is AVX2, since gathers lose to scalar loads where they are compared (blocks and flat tables).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Isa(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
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

    /// Returns AVX-512 F, BW, VL, DQ and VBMI beside what [`Self::avx2`] asks for, if this processor has them.
    #[cfg(target_arch = "x86_64")]
    pub fn avx512() -> Option<Self> {
        let all = Self::avx2().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vbmi");
        all.then_some(Self(Level::Avx512))
    }

    /// Returns `None`: not this architecture.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn avx512() -> Option<Self> {
        None
    }

    /// Returns every level that this processor has, the least first.
    pub fn available() -> impl Iterator<Item = Self> {
        [Some(Self::PORTABLE), Self::avx2(), Self::avx512()].into_iter().flatten()
    }

    /// Returns the highest level that this processor has.
    pub fn fastest() -> Self {
        Self::avx512().or(Self::avx2()).unwrap_or(Self::PORTABLE)
    }

    /// Returns the level's name: `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
        }
    }

    /// Returns the level; whoever has it may call what needs its features.
    pub(super) fn level(self) -> Level {
        self.0
    }
}

//! [`Isa`]: which instructions a batch may use.

/// The instructions that a batch may use. Whoever holds a value runs on a processor that has them.
///
/// A level says which instructions the walks of dense, sparse and direct tables are compiled for. With AVX2 short tables and
/// tables of pairs are walked in vectors, and a forest that is built for that level has them. With AVX-512 sparse tables are, and a
/// forest that is built for it has those in their place. The level above reads dense and direct tables by gathers, too, and a forest
/// for it has halved, short and paired tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Isa(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Gathers,
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

    /// Returns AVX-512 with VPOPCNTDQ beside what [`Self::avx512`] asks for, if this processor has it: dense and direct
    /// tables are read by gathers. [`Self::fastest`] tells where that pays.
    #[cfg(target_arch = "x86_64")]
    pub fn gathers() -> Option<Self> {
        let all = Self::avx512().is_some() && is_x86_feature_detected!("avx512vpopcntdq");
        all.then_some(Self(Level::Gathers))
    }

    /// Returns `None`: not this architecture.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn gathers() -> Option<Self> {
        None
    }

    /// Returns every level that this processor has, the least first.
    pub fn available() -> impl Iterator<Item = Self> {
        [Some(Self::PORTABLE), Self::avx2(), Self::avx512(), Self::gathers()].into_iter().flatten()
    }

    /// Returns the level of this processor with the fastest batches.
    ///
    /// With AVX-512 that is gathers on Intel's processors (5th Xeon: 0.8 cycles a load from the first cache), and scalar loads
    /// elsewhere (AMD's Zen 5: 1.3 cycles).
    pub fn fastest() -> Self {
        let gathers = Self::gathers().filter(|_| has_fast_gathers());
        gathers.or(Self::avx512()).or(Self::avx2()).unwrap_or(Self::PORTABLE)
    }

    /// Returns the level's name: `portable`, `avx2`, `avx512` or `gathers`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Gathers => "gathers",
        }
    }

    /// Returns whether batches gather.
    pub(in crate::lpm) fn has_gathers(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self.0 == Level::Gathers;
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Returns whether batches walk short and paired tables in vectors, of whatever size.
    pub(in crate::lpm) fn has_vectors(self) -> bool {
        self.0 != Level::Portable
    }

    /// Returns whether batches search lines in vectors.
    pub(in crate::lpm) fn searches_lines(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return matches!(self.0, Level::Avx512 | Level::Gathers);
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Returns the level; whoever has it may call what needs its features.
    pub(super) fn level(self) -> Level {
        self.0
    }
}

/// Returns whether gathers of this processor are faster than the loads that they stand for: by its maker's name, so that
/// one machine always has the same tables.
fn has_fast_gathers() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        let vendor = std::arch::x86_64::__cpuid(0);
        [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).concat() == b"GenuineIntel"
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

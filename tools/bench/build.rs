//! Notes the compiler for the machine's fingerprint and, with `peer-dpdk`, builds the shim that speaks to DPDK.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(compiler).arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    println!("cargo::rustc-env=VRFLEAK_COMPILER={}", version.trim());
    #[cfg(feature = "peer-dpdk")]
    dpdk();
}

/// Compiles `dpdk_shim.c` against the headers that pkg-config finds, and links only what it uses.
#[cfg(feature = "peer-dpdk")]
fn dpdk() {
    const SHIM: &str = "src/lookup/contenders/dpdk/shim.c";
    println!("cargo::rerun-if-changed={SHIM}");
    let library = match pkg_config::Config::new().atleast_version("21.11").cargo_metadata(false).probe("libdpdk") {
        Ok(library) => library,
        Err(error) => {
            println!("cargo::error=the feature `peer-dpdk` needs DPDK 21.11 or later (Debian: libdpdk-dev): {error}");
            return;
        }
    };
    // DPDK's headers want SSE4.2 at least, and its configuration before anything else.
    let mut build = cc::Build::new();
    build.file(SHIM).includes(&library.include_paths).flag("-include").flag("rte_config.h").flag("-march=corei7");
    build.compile("vrfleak_dpdk_shim");
    for path in &library.link_paths {
        println!("cargo::rustc-link-search=native={}", path.display());
    }
    for name in ["rte_fib", "rte_rib", "rte_mempool", "rte_eal"] {
        println!("cargo::rustc-link-lib=dylib={name}");
    }
}

//! The targets under libFuzzer. `SIGEC_FUZZ` names the one to run; libFuzzer's own arguments follow.

#![no_main]

use std::sync::LazyLock;

use fuzz::Target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("SIGEC_FUZZ").unwrap_or_default();
    Target::of(&name).unwrap_or_else(|| panic!("SIGEC_FUZZ is {name:?}, which is no target"))
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET.run(data));

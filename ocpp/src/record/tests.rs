//! What reading a record leaves behind.

#![expect(
    unreachable_pub,
    dead_code,
    reason = "the macro declares what other crates see and call"
)]

use std::cell::Cell;

use super::*;

thread_local! {
    static ALIVE: Cell<i32> = const { Cell::new(0) };
}

/// Any value, counted from its making to its drop.
#[derive(Debug, PartialEq)]
pub struct Counted;

impl Counted {
    fn new() -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

impl<'a> Wire<'a> for Counted {
    fn blank() -> Self {
        Self::new()
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        r.value().map(|_| Self::new())
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"null");
    }
}

record! {
    /// A part with a member that must be there and lies elsewhere.
    pub struct Part {
        inner: Box<Counted> = "inner",
    }
}

record! {
    /// Holds it beside its own.
    pub struct Whole {
        part: Part = "part",
        boxed: Box<Counted> = "boxed",
        optional: Option<Box<Counted>> = "optional",
    }
}

#[test]
fn a_blank_member_that_owns_memory_gives_it_back() {
    const { assert!(Part::BLANK_OWNS && Whole::BLANK_OWNS) };
    const { assert!(!<Option<Box<Counted>> as Wire>::BLANK_OWNS) };
    for payload in [
        r#"{"part":{"inner":1},"boxed":2,"optional":3}"#,
        r#"{"part":{"inner":1},"boxed":2}"#,
        r#"{"part":{"inner":1},"boxed":2,"boxed":2}"#,
        r#"{"part":{}}"#,
        "{}",
    ] {
        let mut columns = MeterColumns::default();
        let read = decode(
            payload,
            Version::V16,
            crate::Policy::Strict.into(),
            &mut columns,
            |whole: Whole| whole,
        );
        drop(read);
        assert_eq!(ALIVE.get(), 0, "{payload}");
    }
}

use expect_test::expect;
use fleet::{EventId, LogId, Seq, StationKey, UtcMicros};
use storage::state::{Durability, StateBatch, StateStore, Table};

use super::read::{Recent, list};
use super::row::{AttributeRow, Content, Name, Origin, inventory_row, read_row, row};
use super::{AttributeKind, Characteristics, Mutability, Named, VariableFilter, VariableSource};

fn station() -> StationKey {
    StationKey::new("default", "CP1").unwrap()
}

fn origin(seq: u64) -> Origin {
    Origin {
        position: EventId {
            log_id: LogId(1),
            seq: Seq(seq),
        },
        as_of: UtcMicros(1_795_344_109_000_000),
        source: VariableSource::Report,
    }
}

fn name(component: &str, variable: &str) -> Name {
    let named = |name: &str| Named {
        name: name.into(),
        instance: String::new(),
    };
    Name {
        component: named(component),
        evse_id: 0,
        connector_id: 0,
        variable: named(variable),
    }
}

fn value(text: &str) -> Content {
    Content::Value {
        kind: AttributeKind::Actual,
        value: Some(text.into()),
        is_secret: false,
    }
}

#[test]
fn rows_read_back_and_their_bytes_have_not_moved() {
    let mut name = name("EVSE", "Power");
    name.component.instance = "i".into();
    (name.evse_id, name.connector_id) = (1, 2);
    let description = Content::Description {
        attributes: [
            Some(AttributeRow {
                mutability: Some(Mutability::ReadWrite),
                persistent: true,
                constant: false,
            }),
            None,
            None,
            Some(AttributeRow {
                mutability: None,
                persistent: false,
                constant: true,
            }),
        ],
        characteristics: Some(Characteristics {
            unit: "W".into(),
            data_type: "decimal".into(),
            min_limit: "0".into(),
            max_limit: "22000.5".into(),
            values_list: "a,b".into(),
            supports_monitoring: true,
        }),
    };
    let secret = Content::Value {
        kind: AttributeKind::MaxSet,
        value: None,
        is_secret: true,
    };
    let mut shown = String::new();
    for content in [description, value("7"), secret] {
        let (key, bytes) = row(&station(), &name, origin(2), &content).unwrap();
        assert_eq!(
            read_row(&key, &bytes),
            Some((name.clone(), origin(2), content))
        );
        for len in 0..bytes.len() {
            assert_eq!(read_row(&key, &bytes[..len]), None, "{len} bytes");
        }
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        shown += &format!("{}\n{}\n", hex(&key), hex(&bytes));
    }
    // A change here is a change of the format on disk: add a version, keep the reader of this one.
    expect![[r#"
        64656661756c742f43503100657673650069000000000100000002706f776572000000
        010100000000000000020000000000000040d5dd1fdb600600010400455653450100690500506f77657200000f00001103010000005707000000646563696d616c01000000300700000032323030302e3503000000612c62
        64656661756c742f43503100657673650069000000000100000002706f776572000001
        010100000000000000020000000000000040d5dd1fdb600600010400455653450100690500506f7765720000010100000037
        64656661756c742f43503100657673650069000000000100000002706f776572000004
        010100000000000000020000000000000040d5dd1fdb600600010400455653450100690500506f77657200000200000000
    "#]].assert_eq(&shown);
}

#[test]
fn a_name_that_no_key_can_hold_makes_no_row() {
    for (component, variable) in [("", "V"), ("C", ""), ("C\0", "V"), (&*"C".repeat(400), "V")] {
        assert_eq!(
            row(
                &station(),
                &name(component, variable),
                origin(1),
                &value("")
            ),
            None
        );
    }
}

/// A store with these rows, and those that are on their way to it.
fn check(filter: VariableFilter, limit: usize, expected: expect_test::Expect) {
    let dir = tempfile::tempdir().unwrap();
    let store = StateStore::open(dir.path()).unwrap();
    let mut batch = StateBatch::default();
    let mut put = |(key, value): (Vec<u8>, Vec<u8>)| batch.put(Table::Variables, key, value);
    let station = station();
    put(inventory_row(&station, origin(10)));
    let written = |component: &str, variable: &str, seq: u64, text: &str| {
        row(
            &station,
            &name(component, variable),
            origin(seq),
            &value(text),
        )
        .unwrap()
    };
    put(written("A", "Gone", 9, "1"));
    put(written("A", "One", 11, "stored"));
    put(written("A", "Two", 12, "stored"));
    put(written("B", "One", 13, "stored"));
    let other = StationKey::new("default", "CP10").unwrap();
    put(row(&other, &name("A", "Other"), origin(14), &value("x")).unwrap());
    store.apply(batch, None, Durability::Buffered).unwrap();
    let recent: Recent = [
        written("A", "One", 10, "older"),
        written("a", "two", 20, "newer"),
        written("B", "Three", 21, "new"),
    ]
    .into_iter()
    .collect();
    let mut shown = String::new();
    let mut after = None;
    for _ in 0..10 {
        let page = list(&store, &recent, &station, &filter, after.as_deref(), limit).unwrap();
        for item in page.items {
            let value = item.attributes[0].value.as_deref().unwrap();
            shown += &format!("{}.{} {value}\n", item.component.name, item.variable.name);
        }
        shown += "-\n";
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(after, None);
    expected.assert_eq(&shown);
}

#[test]
fn a_list_has_the_newest_of_each_in_pages() {
    check(
        VariableFilter::default(),
        10,
        expect![[r#"
        A.One stored
        a.two newer
        B.One stored
        B.Three new
        -
    "#]],
    );
    check(
        VariableFilter::default(),
        2,
        expect![[r#"
        A.One stored
        a.two newer
        -
        B.One stored
        B.Three new
        -
    "#]],
    );
}

#[test]
fn names_are_looked_for_without_regard_to_case() {
    let filter = |component: Option<&str>, variable: Option<&str>| VariableFilter {
        component: component.map(str::to_owned),
        variable: variable.map(str::to_owned),
    };
    check(
        filter(Some("b"), None),
        10,
        expect![[r#"
        B.One stored
        B.Three new
        -
    "#]],
    );
    check(
        filter(None, Some("ONE")),
        1,
        expect![[r#"
        A.One stored
        -
        B.One stored
        -
        -
    "#]],
    );
    check(
        filter(Some("None"), None),
        1,
        expect![[r#"
        -
    "#]],
    );
}

#[test]
fn a_cursor_of_nobodys_ends_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let store = StateStore::open(dir.path()).unwrap();
    let filter = VariableFilter::default();
    let page = list(&store, &Recent::new(), &station(), &filter, Some("%"), 1).unwrap();
    assert_eq!((page.items.len(), page.next), (0, None));
}

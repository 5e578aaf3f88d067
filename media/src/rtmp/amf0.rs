//! AMF0 values: what RTMP commands and metadata are written in.
//!
//! Reading is bounded in depth and in the number of values, so a message of a few bytes cannot grow
//! into a tree of megabytes or exhaust the stack. A switch to AMF3 inside AMF0 (`avmplus`) ends the
//! list of values: what stands behind it is left out, which no known encoder minds.
//!
//! Source: Adobe, Action Message Format AMF0 (2007).

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use crate::cursor::{Cursor, Truncated};

const NUMBER: u8 = 0x00;
const BOOLEAN: u8 = 0x01;
const STRING: u8 = 0x02;
const OBJECT: u8 = 0x03;
const NULL: u8 = 0x05;
const UNDEFINED: u8 = 0x06;
const REFERENCE: u8 = 0x07;
const ECMA_ARRAY: u8 = 0x08;
const OBJECT_END: u8 = 0x09;
const STRICT_ARRAY: u8 = 0x0A;
const DATE: u8 = 0x0B;
const LONG_STRING: u8 = 0x0C;
const UNSUPPORTED: u8 = 0x0D;
const XML: u8 = 0x0F;
const TYPED_OBJECT: u8 = 0x10;
const AVMPLUS: u8 = 0x11;

/// Named values in the order they were written; names may repeat, the first one counts.
pub type Properties = Vec<(String, Value)>;

/// One AMF0 value. Source: AMF0 §2.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A double (§2.2).
    Number(f64),
    /// A boolean (§2.3).
    Boolean(bool),
    /// A string, short or long (§2.4, §2.14); invalid UTF-8 is replaced.
    String(String),
    /// An anonymous object (§2.5).
    Object(Properties),
    /// Null (§2.7).
    Null,
    /// Undefined (§2.8).
    Undefined,
    /// A reference to an object written before (§2.9); not resolved.
    Reference(u16),
    /// An associative array (§2.10).
    EcmaArray(Properties),
    /// An array by index (§2.12).
    StrictArray(Vec<Value>),
    /// A date (§2.13).
    Date {
        /// Milliseconds since 1970-01-01 UTC.
        millis: f64,
        /// Time zone in minutes; reserved, zero.
        zone: i16,
    },
    /// A value that cannot be written (§2.15).
    Unsupported,
    /// An XML document (§2.17).
    Xml(String),
    /// An object with a class (§2.18).
    Typed {
        /// Name of the class.
        class: String,
        /// Its properties.
        properties: Properties,
    },
}

/// How much a message may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmfLimits {
    /// How deep arrays and objects may nest.
    pub depth_max: usize,
    /// How many values a message may hold, nested ones included.
    pub values_max: usize,
}

/// Why a message is not AMF0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AmfError {
    /// The message ends within a value.
    #[error("amf value cut off: {0}")]
    Truncated(#[from] Truncated),
    /// Arrays or objects nest too deeply.
    #[error("amf nested {depth} deep, limit {limit}")]
    TooDeep {
        /// The depth met.
        depth: usize,
        /// The depth allowed.
        limit: usize,
    },
    /// The message holds too many values.
    #[error("more than {limit} amf values in a message")]
    TooMany {
        /// The number allowed.
        limit: usize,
    },
    /// A type that has no meaning.
    #[error("amf type {marker:#04x} is not known")]
    UnknownMarker {
        /// The type's byte.
        marker: u8,
    },
}

/// Reads all values of a message.
///
/// Errors: [`AmfError`] on the first value that is cut off, unknown or over a limit.
pub fn decode_all(bytes: &[u8], limits: AmfLimits) -> Result<Vec<Value>, AmfError> {
    let mut decoder = Decoder { cursor: Cursor::new(bytes), limits, values: 0 };
    let mut values = Vec::new();
    while !decoder.cursor.is_empty() {
        let marker = decoder.cursor.u8()?;
        if marker == AVMPLUS {
            break;
        }
        values.push(decoder.value(marker, 0)?);
    }
    Ok(values)
}

/// Writes `values` one after the other.
pub fn encode_all(values: &[Value], out: &mut BytesMut) {
    for value in values {
        value.encode(out);
    }
}

impl Value {
    /// Makes an object of `properties`.
    #[must_use]
    pub fn object<const N: usize>(properties: [(&str, Self); N]) -> Self {
        Self::Object(named(properties))
    }

    /// Makes an associative array of `properties`.
    #[must_use]
    pub fn ecma_array<const N: usize>(properties: [(&str, Self); N]) -> Self {
        Self::EcmaArray(named(properties))
    }

    /// The property `name` of an object or associative array.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let (Self::Object(properties)
        | Self::EcmaArray(properties)
        | Self::Typed { properties, .. }) = self
        else {
            return None;
        };
        properties.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The value of a number.
    #[must_use]
    pub const fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The value of a number without its fraction, held within the range of `u32`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, NaN gives 0")]
    pub const fn as_u32(&self) -> Option<u32> {
        if let Self::Number(number) = self { Some(*number as u32) } else { None }
    }

    /// Writes the value with its type.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Number(number) => {
                out.put_u8(NUMBER);
                out.put_f64(*number);
            }
            Self::Boolean(is_true) => {
                out.put_u8(BOOLEAN);
                out.put_u8(u8::from(*is_true));
            }
            Self::String(text) => encode_string(text, out),
            Self::Object(properties) => {
                out.put_u8(OBJECT);
                encode_properties(properties, out);
            }
            Self::Null => out.put_u8(NULL),
            Self::Undefined => out.put_u8(UNDEFINED),
            Self::Reference(index) => {
                out.put_u8(REFERENCE);
                out.put_u16(*index);
            }
            Self::EcmaArray(properties) => {
                out.put_u8(ECMA_ARRAY);
                out.put_u32(u32::try_from(properties.len()).unwrap_or(u32::MAX));
                encode_properties(properties, out);
            }
            Self::StrictArray(values) => {
                out.put_u8(STRICT_ARRAY);
                out.put_u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
                encode_all(values, out);
            }
            Self::Date { millis, zone } => {
                out.put_u8(DATE);
                out.put_f64(*millis);
                out.put_i16(*zone);
            }
            Self::Unsupported => out.put_u8(UNSUPPORTED),
            Self::Xml(text) => {
                out.put_u8(XML);
                encode_long_text(text, out);
            }
            Self::Typed { class, properties } => {
                out.put_u8(TYPED_OBJECT);
                encode_short_text(class, out);
                encode_properties(properties, out);
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(is_true: bool) -> Self {
        Self::Boolean(is_true)
    }
}

struct Decoder<'a> {
    cursor: Cursor<'a>,
    limits: AmfLimits,
    values: usize,
}

impl Decoder<'_> {
    fn value(&mut self, marker: u8, depth: usize) -> Result<Value, AmfError> {
        self.values += 1;
        if self.values > self.limits.values_max {
            return Err(AmfError::TooMany { limit: self.limits.values_max });
        }
        Ok(match marker {
            NUMBER => Value::Number(self.cursor.f64()?),
            BOOLEAN => Value::Boolean(self.cursor.u8()? != 0),
            STRING => Value::String(self.short_text()?),
            OBJECT => Value::Object(self.properties(depth)?),
            NULL => Value::Null,
            UNDEFINED => Value::Undefined,
            REFERENCE => Value::Reference(self.cursor.u16()?),
            ECMA_ARRAY => {
                // The count is a hint that encoders get wrong; the end marker decides.
                self.cursor.skip(4)?;
                Value::EcmaArray(self.properties(depth)?)
            }
            STRICT_ARRAY => Value::StrictArray(self.array(depth)?),
            DATE => Value::Date {
                millis: self.cursor.f64()?,
                zone: self.cursor.array().map(i16::from_be_bytes)?,
            },
            LONG_STRING => Value::String(self.long_text()?),
            UNSUPPORTED => Value::Unsupported,
            XML => Value::Xml(self.long_text()?),
            TYPED_OBJECT => {
                Value::Typed { class: self.short_text()?, properties: self.properties(depth)? }
            }
            marker => return Err(AmfError::UnknownMarker { marker }),
        })
    }

    fn properties(&mut self, depth: usize) -> Result<Properties, AmfError> {
        let depth = self.deeper(depth)?;
        let mut properties = Vec::new();
        loop {
            let name = self.short_text()?;
            let marker = self.cursor.u8()?;
            if marker == OBJECT_END && name.is_empty() {
                return Ok(properties);
            }
            properties.push((name, self.value(marker, depth)?));
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value>, AmfError> {
        let depth = self.deeper(depth)?;
        let mut values = Vec::new();
        for _ in 0..self.cursor.u32()? {
            let marker = self.cursor.u8()?;
            values.push(self.value(marker, depth)?);
        }
        Ok(values)
    }

    const fn deeper(&self, depth: usize) -> Result<usize, AmfError> {
        let (depth, limit) = (depth + 1, self.limits.depth_max);
        if depth > limit { Err(AmfError::TooDeep { depth, limit }) } else { Ok(depth) }
    }

    fn short_text(&mut self) -> Result<String, AmfError> {
        let length = usize::from(self.cursor.u16()?);
        Ok(String::from_utf8_lossy(self.cursor.take(length)?).into_owned())
    }

    fn long_text(&mut self) -> Result<String, AmfError> {
        let length = usize::try_from(self.cursor.u32()?).unwrap_or(usize::MAX);
        Ok(String::from_utf8_lossy(self.cursor.take(length)?).into_owned())
    }
}

fn named<const N: usize>(properties: [(&str, Value); N]) -> Properties {
    properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn encode_string(text: &str, out: &mut BytesMut) {
    if u16::try_from(text.len()).is_ok() {
        out.put_u8(STRING);
        encode_short_text(text, out);
    } else {
        out.put_u8(LONG_STRING);
        encode_long_text(text, out);
    }
}

/// Writes a text behind its 16-bit length; one too long for that is written as empty.
fn encode_short_text(text: &str, out: &mut BytesMut) {
    let Ok(length) = u16::try_from(text.len()) else {
        return out.put_u16(0);
    };
    out.put_u16(length);
    out.put_slice(text.as_bytes());
}

fn encode_long_text(text: &str, out: &mut BytesMut) {
    let Ok(length) = u32::try_from(text.len()) else {
        return out.put_u32(0);
    };
    out.put_u32(length);
    out.put_slice(text.as_bytes());
}

fn encode_properties(properties: &[(String, Value)], out: &mut BytesMut) {
    for (name, value) in properties {
        encode_short_text(name, out);
        value.encode(out);
    }
    out.put_u16(0);
    out.put_u8(OBJECT_END);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

    use super::*;

    const LIMITS: AmfLimits = AmfLimits { depth_max: 16, values_max: 4096 };

    fn encoded(values: &[Value]) -> BytesMut {
        let mut out = BytesMut::new();
        encode_all(values, &mut out);
        out
    }

    #[test]
    fn bytes_of_a_command_are_those_of_the_standard() {
        let values =
            [Value::from("close"), Value::Number(2.0), Value::object([("a", true.into())])];
        let wire = b"\x02\0\x05close\0\x40\0\0\0\0\0\0\0\x03\0\x01a\x01\x01\0\0\x09";
        assert_eq!(&encoded(&values)[..], wire);
        assert_eq!(decode_all(wire, LIMITS).unwrap(), values);
    }

    #[test]
    fn ten_thousand_nested_arrays_are_refused_at_the_limit() {
        let deep = b"\x0A\0\0\0\x01".repeat(10_000);
        assert_eq!(decode_all(&deep, LIMITS), Err(AmfError::TooDeep { depth: 17, limit: 16 }));
        let deep = b"\x03\0\x01a".repeat(10_000);
        assert_eq!(decode_all(&deep, LIMITS), Err(AmfError::TooDeep { depth: 17, limit: 16 }));
    }

    #[test]
    fn sixteen_nested_arrays_are_read() {
        let mut value = Value::Null;
        for _ in 0..16 {
            value = Value::StrictArray(vec![value]);
        }
        assert_eq!(decode_all(&encoded(&[value.clone()]), LIMITS), Ok(vec![value]));
    }

    #[test]
    fn array_that_claims_four_billion_values_is_cut_off() {
        let claim = b"\x0A\xFF\xFF\xFF\xFF\x05";
        assert!(matches!(decode_all(claim, LIMITS), Err(AmfError::Truncated(_))));
        assert_eq!(decode_all(&[5; 5000], LIMITS), Err(AmfError::TooMany { limit: 4096 }));
    }

    #[test]
    fn switch_to_amf3_ends_the_values() {
        assert_eq!(decode_all(b"\x05\x11\x0A\x0B\x01", LIMITS), Ok(vec![Value::Null]));
    }

    #[test]
    fn long_strings_take_the_long_form() {
        let text = Value::String("x".repeat(70_000));
        let wire = encoded(std::slice::from_ref(&text));
        assert_eq!(wire.first(), Some(&LONG_STRING));
        assert_eq!(decode_all(&wire, LIMITS), Ok(vec![text]));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let name = "[a-zA-Z0-9]{1,8}";
        let leaf = prop_oneof![
            (-1e9..1e9_f64).prop_map(Value::Number),
            any::<bool>().prop_map(Value::Boolean),
            ".{0,12}".prop_map(Value::String),
            proptest::strategy::Just(Value::Null),
            proptest::strategy::Just(Value::Undefined),
            any::<u16>().prop_map(Value::Reference),
            (0.0..1e12_f64, any::<i16>()).prop_map(|(millis, zone)| Value::Date { millis, zone }),
            proptest::strategy::Just(Value::Unsupported),
            ".{0,12}".prop_map(Value::Xml),
        ];
        leaf.prop_recursive(4, 32, 4, move |inner| {
            let properties = prop::collection::vec((name, inner.clone()), 0..4);
            prop_oneof![
                properties.clone().prop_map(Value::Object),
                properties.clone().prop_map(Value::EcmaArray),
                prop::collection::vec(inner, 0..4).prop_map(Value::StrictArray),
                (name, properties)
                    .prop_map(|(class, properties)| Value::Typed { class, properties }),
            ]
        })
    }

    proptest! {
        #[test]
        fn written_values_are_read_back(values in prop::collection::vec(any_value(), 0..4)) {
            assert_eq!(decode_all(&encoded(&values), LIMITS).unwrap(), values);
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode_all(&bytes, LIMITS);
        }
    }
}

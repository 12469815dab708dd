//! Header lines of one's own under load: written once, with all that travels the same every time.

use bytes::Bytes;

use super::{Maker, Template};
use crate::contract::{Contract, own_headers};
use crate::delivery::{Delivery, HeaderLine};
use crate::transport::Target;

impl Maker {
    /// The same, with header lines of the user's own in every delivery.
    #[must_use]
    pub fn bearing(mut self, contract: &Contract, target: &Target, users: &[HeaderLine]) -> Self {
        let is_of_a_user = |line: &HeaderLine| users.iter().any(|own| own.name.eq_ignore_ascii_case(&line.name));
        self.fixed.retain(|line| !is_of_a_user(line));
        self.fixed.extend(users.iter().cloned());
        let same = Delivery { headers: self.fixed.clone(), body: Bytes::new(), ..self.bare() };
        self.template = Template::new(target, &same, contract.key.header.as_deref());
        self.own = own_headers::joined(contract, users);
        self
    }

    /// A question with the header lines of one's own.
    #[must_use]
    pub fn question(&self, path: String) -> Delivery {
        Delivery { method: "GET".to_owned(), path, headers: self.own.clone(), ..Delivery::default() }
    }
}

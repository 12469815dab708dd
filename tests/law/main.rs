//! Tests of the law: values in, values out. No socket, no process; what is read are files of the project.

mod causes;
mod contract_space;
#[cfg(feature = "locust")]
mod fuzzing;
mod histories;
mod kill_matrix;
#[path = "../shared/latin.rs"]
mod latin;
mod languages;
mod mistakes;
#[cfg(feature = "locust")]
#[path = "../shared/mutation.rs"]
mod mutation;
#[cfg(feature = "locust")]
#[path = "../shared/readers.rs"]
mod readers;
mod reference_pages;
mod report_forms;
mod series;
mod stores_agree;
mod surface;
#[expect(dead_code, reason = "the law has no folders of its own, and calls no tools")]
#[path = "../shared/surroundings.rs"]
mod surroundings;
mod tidy;
mod vectors;

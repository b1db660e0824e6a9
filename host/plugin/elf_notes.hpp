// Reads the Berth notes of a shared object without loading it: what does it say of itself? The bytes are hostile: every
// offset and count is checked against the file and against a cap before use. Knows neither JSON nor files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "byte_source.hpp"

namespace berth::inline host_v1 {

inline constexpr std::uint64_t max_manifest_bytes = std::uint64_t{64} * 1024;

/// The texts of the notes with owner "berth".
struct ElfNotes {
    std::string manifest;                 ///< JSON, not checked yet
    std::optional<std::string> provides;  ///< names separated by spaces; absent when the manifest says it
    bool operator==(const ElfNotes&) const = default;
};

/// Throws Error: BERTH-P-08 to BERTH-P-11, without location.
[[nodiscard]] ElfNotes read_elf_notes(const ByteSource& bytes);

}  // namespace berth::inline host_v1

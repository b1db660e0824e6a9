// The skeleton of a shared object: is this ELF, for this machine, and where do its headers say that things lie? The
// bytes are hostile: every offset and count is checked against the file and against a cap before use. Knows neither
// notes nor symbols.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "byte_source.hpp"

namespace berth::inline host_v1 {

/// A stretch of the file. Never trusted before `within`.
struct ElfRange {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;

    [[nodiscard]] bool within(std::uint64_t file_size) const noexcept {
        return offset <= file_size && size <= file_size - offset;
    }
};

/// Throws Error BERTH-P-10: the file contradicts itself in this way.
[[noreturn]] void throw_damaged(std::string_view what);

/// Those bytes, which must be in the file; `what` names them in the error. The caller has capped the size.
[[nodiscard]] std::vector<std::byte> elf_bytes(const ByteSource& source, const ElfRange& range, std::string_view what);

/// The value with that index in an array of them, which must hold it.
template <typename Value>
[[nodiscard]] Value elf_value(std::span<const std::byte> bytes, std::uint64_t index) {
    static_assert(std::is_trivially_copyable_v<Value>);
    Value value{};
    std::memcpy(&value, bytes.data() + index * sizeof(Value), sizeof value);
    return value;
}

/// Throws Error: BERTH-P-08, BERTH-P-09 or BERTH-P-10.
[[nodiscard]] Elf64_Ehdr read_elf_header(const ByteSource& source);

/// Each of them within the file where the loader would map it. Throws Error BERTH-P-10.
[[nodiscard]] std::vector<Elf64_Phdr> read_segments(const ByteSource& source, const Elf64_Ehdr& header);

struct ElfSection {
    std::string name;
    Elf64_Shdr header;
};

/// Empty where there are no section headers, or none with names: the loader needs none. Throws Error BERTH-P-10.
[[nodiscard]] std::vector<ElfSection> read_sections(const ByteSource& source, const Elf64_Ehdr& header);

/// "x86-64": what a file has to be built for.
[[nodiscard]] std::string_view this_machine() noexcept;

}  // namespace berth::inline host_v1

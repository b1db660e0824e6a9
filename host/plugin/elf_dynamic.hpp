// The dynamic section of a shared object and what it points to: numbers by tag, texts of its table, symbols one by one.
// Knows how these are stored and nothing of what they mean to anybody.
#pragma once

#include <elf.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "elf_headers.hpp"

namespace berth::inline host_v1 {

/// Reads in parts, never more than a few megabytes at once. Throws Error BERTH-P-10 wherever the file contradicts itself.
class ElfDynamic {
public:
    /// `source` must outlive it. Throws BERTH-P-10 too when there is no dynamic section: nobody could load such a file.
    ElfDynamic(const ByteSource& source, std::vector<Elf64_Phdr> segments);

    /// The value of a tag; of several the last one, as the loader has it.
    [[nodiscard]] std::optional<std::uint64_t> value(Elf64_Sxword tag) const;
    /// All values of a tag, in the order of the file.
    [[nodiscard]] std::vector<std::uint64_t> values(Elf64_Sxword tag) const;
    /// The text that begins there in the table of texts, which `what` names in an error.
    [[nodiscard]] std::string text(std::uint64_t start, std::string_view what) const;

    /// Shows every symbol, with the start of its name cut to `max_symbol_name` bytes. Nothing where there are none.
    void each_symbol(const std::function<void(const Elf64_Sym&, std::string_view)>& show) const;

private:
    [[nodiscard]] ElfRange range_of(std::uint64_t address, std::uint64_t size, std::string_view what) const;
    [[nodiscard]] std::uint64_t symbol_count() const;
    [[nodiscard]] std::uint64_t count_by_gnu_hash(std::uint64_t address) const;
    [[nodiscard]] ElfRange texts() const;

    const ByteSource& source_;
    std::vector<Elf64_Phdr> segments_;
    std::vector<Elf64_Dyn> entries_;
};

inline constexpr std::size_t max_symbol_name = 4096;

}  // namespace berth::inline host_v1

// How a shared object is bound to others: which libraries it needs and where it looks for them, and which symbols it
// gives. Read as the loader reads them, by way of the dynamic section, without loading anything. The bytes are hostile:
// time and memory are bounded whatever they say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "byte_source.hpp"

namespace berth::inline host_v1 {

struct ElfLinks {
    std::optional<std::string> soname;
    std::vector<std::string> needed;           ///< libraries, in the order of the file
    std::vector<std::string> library_folders;  ///< where it wants them to be looked for first; may begin with $ORIGIN
    std::vector<std::string> exported;         ///< the first `max_listed_symbols` names, sorted; long ones are cut
    std::uint64_t exported_count = 0;          ///< all of them
    std::vector<int> entries;                  ///< N of each berth_plugin_vN that is exported, ascending
    bool executable_stack = false;             ///< it asks for one, which many systems refuse
    bool text_relocations = false;             ///< it wants its own code changed while it is loaded, likewise
};

inline constexpr std::size_t max_listed_symbols = 1000;

/// Throws Error: BERTH-P-08 to BERTH-P-10, without location.
[[nodiscard]] ElfLinks read_elf_links(const ByteSource& source);

}  // namespace berth::inline host_v1

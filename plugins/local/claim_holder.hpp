// Who holds a claim of ids: a directory, written down so that it is known again when its path says nothing any more,
// because it was moved or its file system is not mounted.
//
// In doubt a claim stands: ids that are lost for a while hurt nobody, ids that two have do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace berth_local {

struct ClaimHolder {
    std::string path;
    std::uint32_t ids = 1;    // how many it has from the first on
    std::string file_system;  // empty: of a Berth that did not write more than the path
    std::string memory_boot;  // of a file system in memory: the boot that it goes with; else empty
    std::string handle;       // what the file system knows the directory by; empty: it has no such thing
};

// As it is now. Throws when there is no such directory.
[[nodiscard]] ClaimHolder claim_holder(const std::string& path, std::uint32_t ids);

[[nodiscard]] std::string to_text(const ClaimHolder& holder);
[[nodiscard]] ClaimHolder parse_claim_holder(std::string_view text);

// Whether it may still be somewhere.
[[nodiscard]] bool may_be_there(const ClaimHolder& holder);

}  // namespace berth_local

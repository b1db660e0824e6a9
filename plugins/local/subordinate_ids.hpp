// The range of ids that /etc/subuid and /etc/subgid give to an ordinary user, and the programs that hand it out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "uid_range.hpp"

namespace berth_local {

struct SubordinateIds {
    std::optional<std::uint32_t> first;  // of `ids_of_a_template`, as users and as groups; absent: see the others
    std::string missing;                 // what is not there
    std::string remedy;                  // what would enable it
};

// Of the user that we are. Looked up each time: it costs two small files.
[[nodiscard]] SubordinateIds subordinate_ids();

// From the texts of the two files; lines name the user or its number.
[[nodiscard]] std::optional<std::uint32_t> common_range(std::string_view subuid, std::string_view subgid,
                                                        std::string_view user, std::uint32_t uid);

// Whom the text of one of the files gives some of these ids to; absent: nobody.
[[nodiscard]] std::optional<std::string> subordinate_owner(std::string_view text, const UidRange& range);

}  // namespace berth_local

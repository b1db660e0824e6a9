// User namespaces with a range of ids: made, mapped and entered.
//
// Whoever may write any map (root) writes it; anybody else asks newuidmap and newgidmap, which know what /etc/subuid and
// /etc/subgid grant. Knows nothing of mounts.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "../descriptor.hpp"

namespace berth_root {

struct Extent {
    std::uint32_t inside;
    std::uint32_t outside;
    std::uint32_t count;
};

inline constexpr std::uint32_t ids_of_a_sandbox = 65'536;

// Makes and enters a user namespace with this map: all capabilities over it, none elsewhere, and still the ids of before.
void make_namespace(std::initializer_list<Extent> map);
// Its uid and gid 0.
void become_first_id();

// A user namespace that nothing runs in, for an id-mapped mount. Root only.
[[nodiscard]] berth_local::Descriptor namespace_with(const Extent& extent);

// Says what could not be done, for the one who started us to pass on, and ends.
[[noreturn]] void give_up(const char* what, int error);

}  // namespace berth_root

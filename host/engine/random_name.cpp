#include "random_name.hpp"

#include <sys/random.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <vector>

namespace berth::inline host_v1 {

std::string random_name(std::size_t bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::vector<unsigned char> random(bytes);
    for (std::size_t filled = 0; filled < bytes;) {
        const auto got = ::getrandom(random.data() + filled, bytes - filled, 0);
        if (got >= 0) {
            filled += static_cast<std::size_t>(got);
        } else if (errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "getrandom");
        }
    }
    std::string name;
    for (const auto byte : random) {
        name += digits[byte >> 4U];
        name += digits[byte & 15U];
    }
    return name;
}

}  // namespace berth::inline host_v1

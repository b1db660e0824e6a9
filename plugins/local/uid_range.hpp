// Accounts for sandboxes, when Berth runs as root: each gets a number of its own, shared with nobody on this machine.
//
// A claim is a file named after the number, made exclusively, that says which sandbox directory holds it. It counts as
// long as that directory exists, whoever made it and whenever: a crash leaves no number lost and none given twice.
#pragma once

#include <cstdint>
#include <string>

namespace berth_local {

struct UidRange {
    std::uint32_t first = 1'900'000'000;
    std::uint32_t count = 65'536;
};

// Numbers of this range that exist in our user namespace; inside a container that has fewer, a range that does.
[[nodiscard]] UidRange default_uid_range();

class UidClaims {
public:
    // `claims`: the directory of claim files, one for the whole machine.
    UidClaims(std::string claims, UidRange range) : claims_(std::move(claims)), range_(range) {}

    // A number for the sandbox whose directory (absolute, existing) is `owner`. Throws RESOURCE_EXHAUSTED.
    [[nodiscard]] std::uint32_t claim(const std::string& owner) const;
    // Gives it back, if it is still `owner`'s. Only after its last process and file are gone.
    void release(std::uint32_t uid, const std::string& owner) const;

private:
    [[nodiscard]] bool try_claim(int directory, std::uint32_t uid, const std::string& owner) const;

    std::string claims_;
    UidRange range_;
};

}  // namespace berth_local

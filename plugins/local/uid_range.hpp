// Accounts for sandboxes, when Berth runs as root: each gets a number of its own, shared with nobody on this machine, or
// a block of numbers when its root comes from a template.
//
// A claim is a file named after the (first) number, made exclusively, that says which sandbox directory holds it
// (claim_holder.hpp). It counts as long as that directory exists or may exist, whoever made it and whenever: a crash
// leaves no number lost and none given twice.
#pragma once

#include <cstdint>
#include <string>

namespace berth_local {

struct UidRange {
    std::uint32_t first = 1'900'000'000;
    std::uint32_t count = 65'536;
};

// How many a sandbox from a template has: as many as the accounts of any usual system need.
inline constexpr std::uint32_t ids_of_a_template = 65'536;

// Whether our own user namespace has all of them.
[[nodiscard]] bool is_mapped(const UidRange& range);

// Numbers of this range that exist in our user namespace; inside a container that has fewer, a range that does.
[[nodiscard]] UidRange default_uid_range();
// Above what systemd gives to containers, below the numbers that look negative to some programs.
[[nodiscard]] UidRange default_template_uid_range();

class UidClaims {
public:
    // `claims`: the directory of claim files, one for the whole machine. `size`: how many numbers each claim is; blocks
    // begin at multiples of it, so that no two ranges cut the machine's numbers in different ways.
    UidClaims(std::string claims, UidRange range, std::uint32_t size = 1);

    // A number, the first of its block, for the sandbox whose directory (absolute, existing) is `owner`. Throws
    // RESOURCE_EXHAUSTED; INVALID_ARGUMENT when it is also one of another provider.
    [[nodiscard]] std::uint32_t claim(const std::string& owner) const;
    // Throws INVALID_ARGUMENT when /etc/subuid or /etc/subgid gives some of our numbers to an account.
    void refuse_subordinate_ids() const;
    // Gives it back, if it is still `owner`'s. Only after its last process and file are gone.
    void release(std::uint32_t uid, const std::string& owner) const;
    // The same for whatever `owner` has, when nobody knows any more what that was, and for what was to become a claim when
    // its maker died. Reads every claim of the machine.
    void release_all_of(const std::string& owner) const;

private:
    [[nodiscard]] bool try_claim(int directory, std::uint32_t uid, const std::string& owner) const;
    void refuse_ids_of_others(int directory, std::uint32_t uid) const;
    [[nodiscard]] const char* setting() const { return size_ == 1 ? "uid_range" : "template_uid_range"; }

    std::string claims_;
    UidRange range_;
    std::uint32_t first_;
    std::uint32_t count_;  // of claims
    std::uint32_t size_;
};

}  // namespace berth_local

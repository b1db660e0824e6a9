// The small rooms around copies: what berth-root answers for one, and whose file capabilities come along.
#include <linux/capability.h>

#include <cstring>

#include "local/copy_answer.hpp"
#include "local/extended_attributes.hpp"
#include "room.hpp"

using namespace room;

TEST_CASE("what a copy came to arrives as it was told") {
    const rooms::Copied copied = rooms::parse_copy_answer(rooms::copy_answer(rooms::Copied{1'234'567'890'123, 45, 6}));
    CHECK(copied.bytes == 1'234'567'890'123);
    CHECK(copied.entries == 45);
    CHECK(copied.skipped == 6);
}

TEST_CASE("why a copy failed arrives whole, whatever its words are") {
    rooms::Failure failure = rooms::refusal(BERTH_CONFLICT, "a file\nchanges", "stop it, \"now\"");
    failure.path = "/work\xff/a b\n";
    const rooms::Failure told = failure_of([&] { (void)rooms::parse_copy_answer(rooms::copy_answer(failure)); });
    CHECK(told.code == BERTH_CONFLICT);
    CHECK(told.outcome == BERTH_OUTCOME_NONE);
    CHECK(told.message == failure.message);
    CHECK(told.hint == failure.hint);
    CHECK(told.path == failure.path);
}

TEST_CASE("an answer that is none is an error, never a copy") {
    const std::string whole = rooms::copy_answer(rooms::Copied{1, 2, 3});
    for (const std::string& answer : {std::string(), std::string("done"), std::string("odd\0001\0002\0003", 9),
                                      std::string("done\0x\0002\0003", 10), std::string("done\000-1\0002\0003", 11),
                                      whole.substr(0, whole.size() - 2)}) {
        CHECK(failure_of([&] { (void)rooms::parse_copy_answer(answer); }).code == BERTH_INTERNAL);
    }
}

namespace {

std::string capabilities_of(std::uint32_t magic, std::uint32_t root) {
    vfs_ns_cap_data data{};
    data.magic_etc = magic;
    data.data[0].permitted = 1 << CAP_NET_BIND_SERVICE;
    data.rootid = root;
    return {reinterpret_cast<const char*>(&data), sizeof data};
}

std::uint32_t root_of(const std::string& value) {
    vfs_ns_cap_data data{};
    std::memcpy(&data, value.data(), sizeof data);
    return data.rootid;
}

}  // namespace

TEST_CASE("file capabilities of the range move with it, those of anybody else stay behind") {
    const rooms::IdShift shift{100'000, 300'000, 65'536};
    std::string value = capabilities_of(VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE, 100'005);
    CHECK(rooms::shift_capabilities(value, shift));
    CHECK(root_of(value) == 300'005);
    CHECK(value == capabilities_of(VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE, 300'005));
    for (const std::uint32_t stranger : {0U, 99'999U, 165'536U}) {
        std::string other = capabilities_of(VFS_CAP_REVISION_3, stranger);
        CHECK_FALSE(rooms::shift_capabilities(other, shift));
    }
    std::string second = capabilities_of(VFS_CAP_REVISION_2, 100'005);  // counts for the host's root
    CHECK_FALSE(rooms::shift_capabilities(second, shift));
    std::string shorter = value.substr(0, value.size() - 1);
    CHECK_FALSE(rooms::shift_capabilities(shorter, shift));
}

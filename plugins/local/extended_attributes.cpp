#include "extended_attributes.hpp"

#include <linux/capability.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>

namespace berth_local {
namespace {

constexpr std::string_view access_list = "system.posix_acl_access";
constexpr std::string_view default_access_list = "system.posix_acl_default";
constexpr std::string_view capabilities = "security.capability";

bool is_access_list(std::string_view name) {
    return name == access_list || name == default_access_list;
}

bool is_wanted(std::string_view name) {
    return name.starts_with("user.") || name.starts_with("trusted.overlay.") || is_access_list(name) ||
           name == capabilities;
}

// As it is to be set on the copy; false: not at all.
bool shift_ids(std::string_view name, std::string& value, const std::optional<IdShift>& owners) {
    if (name == capabilities) {
        return owners && shift_capabilities(value, *owners);
    }
    if (owners && is_access_list(name)) {
        shift_access_list(value, *owners);
    }
    return true;
}

// A list or a value of whatever size; it may grow between two looks.
template <class Read>
int read_all(std::string& into, const Read& read) {
    for (int round = 0; round < 8; ++round) {
        const ssize_t size = read(nullptr, 0);
        if (size <= 0) {
            into.clear();
            return size == 0 ? 0 : errno;
        }
        into.resize(static_cast<std::size_t>(size));
        const ssize_t got = read(into.data(), into.size());
        if (got >= 0) {
            into.resize(static_cast<std::size_t>(got));
            return 0;
        }
        if (errno != ERANGE) {
            return errno;
        }
    }
    return EAGAIN;
}

}  // namespace

void shift_access_list(std::string& value, const IdShift& owners) {
    // struct posix_acl_xattr_header { le32 version }, then entries { le16 tag, le16 permissions, le32 id }.
    constexpr std::size_t header = 4;
    constexpr std::size_t entry = 8;
    constexpr std::uint16_t user = 0x02;
    constexpr std::uint16_t group = 0x08;
    if (value.size() < header || (value.size() - header) % entry != 0) {
        return;
    }
    for (std::size_t at = header; at < value.size(); at += entry) {
        std::uint16_t tag = 0;
        std::uint32_t id = 0;
        std::memcpy(&tag, value.data() + at, sizeof tag);
        std::memcpy(&id, value.data() + at + 4, sizeof id);
        if (tag == user || tag == group) {
            id = owners.shifted(id);
            std::memcpy(value.data() + at + 4, &id, sizeof id);
        }
    }
}

bool shift_capabilities(std::string& value, const IdShift& owners) {
    vfs_ns_cap_data data{};
    if (value.size() != sizeof data) {
        return false;
    }
    std::memcpy(&data, value.data(), sizeof data);
    if ((data.magic_etc & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_3 || !owners.knows(data.rootid)) {
        return false;
    }
    data.rootid = owners.shifted(data.rootid);
    std::memcpy(value.data(), &data, sizeof data);
    return true;
}

int copy_extended_attributes(int from, int to, const std::optional<IdShift>& owners) {
    std::string names;
    const int error =
        read_all(names, [&](char* to_buffer, std::size_t size) { return ::flistxattr(from, to_buffer, size); });
    if (error != 0) {
        return error == ENOTSUP || error == EBADF ? 0 : error;
    }
    for (std::size_t at = 0; at < names.size(); at += std::strlen(names.c_str() + at) + 1) {
        const char* const name = names.c_str() + at;
        if (!is_wanted(name) || (name == capabilities && !owners)) {
            continue;
        }
        std::string value;
        const int read_error =
            read_all(value, [&](char* buffer, std::size_t size) { return ::fgetxattr(from, name, buffer, size); });
        if (read_error == ENODATA || (read_error == EOVERFLOW && name == capabilities)) {
            continue;  // gone meanwhile, or of an id that we cannot even name
        }
        if (read_error != 0) {
            return read_error;
        }
        if (shift_ids(name, value, owners) && ::fsetxattr(to, name, value.data(), value.size(), 0) != 0) {
            return errno;
        }
    }
    return 0;
}

}  // namespace berth_local

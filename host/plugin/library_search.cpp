#include "library_search.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>

#include "../base/error.hpp"
#include "../base/file_descriptor.hpp"
#include "elf_headers.hpp"

namespace berth::inline host_v1 {

namespace {

#if defined(__x86_64__)
constexpr std::string_view multiarch = "x86_64-linux-gnu";
#elif defined(__aarch64__)
constexpr std::string_view multiarch = "aarch64-linux-gnu";
#elif defined(__riscv)
constexpr std::string_view multiarch = "riscv64-linux-gnu";
#endif

constexpr std::string_view cache_magic = "glibc-ld.so.cache1.1";
constexpr std::size_t max_cache_bytes = std::size_t{16} << 20U;
// A hostile file must not make us look in many thousand places.
constexpr std::size_t max_folders = 64;

/// The cache's own form: the head, then the entries, then their texts, which are counted from the head's first byte.
struct CacheHead {
    char magic[20];
    std::uint32_t entries;
    std::uint32_t text_bytes;
    std::uint32_t unused[5];
};
struct CacheEntry {
    std::int32_t flags;
    std::uint32_t name;
    std::uint32_t path;
    std::uint32_t system;
    std::uint64_t hardware;
};
static_assert(sizeof(CacheHead) == 48 && sizeof(CacheEntry) == 24);

std::string read_cache(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (text.size() > max_cache_bytes) return {};
    // An older form may stand before it.
    const auto start = text.find(cache_magic);
    return start == std::string::npos || text.size() - start < sizeof(CacheHead) ? std::string() : text.substr(start);
}

std::string_view cache_text(std::string_view cache, std::uint32_t start) {
    if (start >= cache.size()) return {};
    cache.remove_prefix(start);
    return cache.substr(0, cache.find('\0'));
}

std::vector<std::string> split(std::string_view list, std::string_view separators) {
    std::vector<std::string> parts;
    while (!list.empty()) {
        const auto end = std::min(list.find_first_of(separators), list.size());
        if (end != 0) parts.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return parts;
}

bool is_library_for_this_machine(const std::string& path) {
    struct stat status {};
    // Before it is opened: what a hostile file names as its library may be anything.
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
    const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file) return false;
    try {
        (void)read_elf_header(FileBytes(file.get(), static_cast<std::uint64_t>(status.st_size)));
        return true;
    } catch (const Error&) {
        return false;
    }
}

void replace_all(std::string& text, std::string_view word, std::string_view by) {
    for (auto place = text.find(word); place != std::string::npos; place = text.find(word, place + by.size()))
        text.replace(place, word.size(), by);
}

}  // namespace

LibrarySearch::LibrarySearch(const EnvironmentVariables& environment, const std::string& cache_file)
    : cache_(read_cache(cache_file)) {
    if (const auto list = environment.get_filled("LD_LIBRARY_PATH")) environment_folders_ = split(*list, ":;");
}

std::vector<std::string> LibrarySearch::cached(std::string_view name) const {
    std::vector<std::string> found;
    if (cache_.empty()) return found;
    CacheHead head{};
    std::memcpy(&head, cache_.data(), sizeof head);
    const auto most = (cache_.size() - sizeof head) / sizeof(CacheEntry);
    for (std::size_t index = 0; index < std::min<std::size_t>(head.entries, most); ++index) {
        CacheEntry entry{};
        std::memcpy(&entry, cache_.data() + sizeof head + index * sizeof entry, sizeof entry);
        if (cache_text(cache_, entry.name) == name) found.emplace_back(cache_text(cache_, entry.path));
    }
    return found;
}

std::optional<std::string> expanded_folder(std::string_view folder, std::string_view origin) {
    std::string text(folder);
    replace_all(text, "${ORIGIN}", origin);
    replace_all(text, "$ORIGIN", origin);
    if (text.find('$') != std::string::npos && origin.find('$') == std::string_view::npos) return std::nullopt;
    return text;
}

std::optional<std::string> LibrarySearch::find(const std::string& name, const std::vector<std::string>& folders,
                                               const std::string& origin) const {
    std::vector<std::string> candidates;
    if (name.find('/') != std::string::npos) {
        candidates.push_back(name);
    } else {
        for (std::size_t index = 0; index < std::min(folders.size(), max_folders); ++index) {
            if (const auto folder = expanded_folder(folders[index], origin)) candidates.push_back(*folder + "/" + name);
        }
        for (const auto& folder : environment_folders_)
            candidates.push_back(folder + "/" + name);
        for (auto& path : cached(name))
            candidates.push_back(std::move(path));
        const std::string kind(multiarch);
        for (const auto& folder : {"/lib/" + kind, "/usr/lib/" + kind, std::string("/lib64"), std::string("/usr/lib64"),
                                   std::string("/lib"), std::string("/usr/lib")})
            candidates.push_back(folder + "/" + name);
    }
    const auto place = std::find_if(candidates.begin(), candidates.end(), is_library_for_this_machine);
    return place == candidates.end() ? std::nullopt : std::optional(*place);
}

}  // namespace berth::inline host_v1

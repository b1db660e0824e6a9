// What tests of tree copies share: a tree to copy, and where to.
#pragma once

#include <fstream>

#include "local/tree_copy.hpp"
#include "room.hpp"

namespace room {

namespace fs = std::filesystem;

struct Place {
    Place()
        : top(rooms::open_directory(AT_FDCWD, temporary.path())),
          links(rooms::make_directory(top.get(), "links", 0700)) {
        fs::create_directory(path("from"));
    }
    [[nodiscard]] std::string path(const std::string& name) const { return (temporary.path() / name).string(); }
    [[nodiscard]] std::string from(const std::string& name) const { return path("from/" + name); }
    void write(const std::string& name, const std::string& content) const { std::ofstream(from(name)) << content; }
    // Removes what was copied.
    void clear() {
        rooms::remove_tree(top.get(), "to");
        rooms::remove_tree(top.get(), "links");
        links = rooms::make_directory(top.get(), "links", 0700);
    }

    TemporaryDirectory temporary;
    rooms::Descriptor top;
    rooms::Descriptor links;
};

inline std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline rooms::TreeCopySettings changing() {
    rooms::TreeCopySettings settings;
    settings.source = rooms::TreeCopySettings::Source::changing;
    return settings;
}

inline void copies_from_to(Place& place, rooms::TreeCopySettings settings = {}) {
    rooms::TreeCopy copy(place.links.get(), std::move(settings));
    const rooms::Descriptor target = rooms::make_directory(place.top.get(), "to", 0700);
    copy.copy(place.top.get(), "from", target.get(), "/shown");
}

}  // namespace room

// Makes the scripted class the plugin of the test program it is linked into.
#include "scripted_plugin.hpp"

BERTH_PLUGIN(ScriptedPlugin, R"({
    "name": "scripted", "version": "1.0.0",
    "description": "a \"features\": [\"not this\"] in a text is none",
    "features": ["stdin", "memory_limit", "log_follow"],
    "config": {"properties": {"features": {"enum": ["nor", "these"]}}}
})")

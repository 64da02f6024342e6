<?php
// Loaded before every script. Debian's files are linked, not copied, and PHP resolves links in __DIR__:
// without this WordPress would look for its configuration in /usr/share/wordpress.
define('ABSPATH', getenv('SANDBOX_SITE') . '/');

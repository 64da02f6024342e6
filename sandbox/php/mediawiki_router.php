<?php
// Router of PHP's own web server: /wiki/<title> to MediaWiki, scripts and static files as they are, else nothing.
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/');
if ($path === '/' || $path === '/wiki') {
    header('Location: /wiki/Main_Page', true, 302);
    return true;
}
if (str_starts_with($path, '/images/')) {
    $file = realpath(getenv('SANDBOX_DATA') . $path);
    if ($file === false || !str_starts_with($file, realpath(getenv('SANDBOX_DATA') . '/images') . '/')) {
        http_response_code(404);
        return true;
    }
    header('Content-Type: ' . (mime_content_type($file) ?: 'application/octet-stream'));
    readfile($file);
    return true;
}
if (str_starts_with($path, '/wiki/')) {
    $_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/index.php';
    $_SERVER['SCRIPT_FILENAME'] = $_SERVER['DOCUMENT_ROOT'] . '/index.php';
    require $_SERVER['SCRIPT_FILENAME'];
    return true;
}
$open = ['/api.php', '/index.php', '/load.php', '/rest.php', '/opensearch_desc.php'];
if (in_array($path, $open, true) || preg_match('#^/(resources|skins|extensions)/.+\.(css|js|svg|png|gif|jpg|woff2?)$#', $path)) {
    return false;
}
http_response_code(404);

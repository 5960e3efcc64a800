<?php
// Reads bodies as PHP back ends do. On the command line: one JSON array of
// cases in, whether each was read out. Under the built-in server: whether the
// request that it got holds what the header X-Want says.
error_reporting(0);

function leaves($v): array {
    if (is_string($v)) return [$v];
    if (!is_array($v) && !is_object($v)) return [];
    $out = [];
    foreach ($v as $k => $x) $out = [...$out, (string) $k, ...leaves($x)];
    return $out;
}

function markup(string $b): array {
    if (!class_exists('DOMDocument')) return [];
    $d = new DOMDocument();
    if (!$d->loadXML($b, LIBXML_NOENT | LIBXML_DTDATTR | LIBXML_NONET)) return [];
    $out = [];
    foreach ($d->getElementsByTagName('*') as $e) {
        $out[] = $e->textContent;
        foreach ($e->attributes as $a) $out[] = $a->value;
    }
    return $out;
}

function pairs(string $s, string $sep = '&'): array {
    parse_str(str_replace($sep, '&', $s), $got);
    return leaves($got);
}

function normal(string $p): string {
    $out = [];
    foreach (explode('/', str_replace('\\', '/', $p)) as $s) {
        if ($s === '..') array_pop($out);
        elseif ($s !== '' && $s !== '.') $out[] = $s;
    }
    return '/' . implode('/', $out);
}

function values(array $c, string $b): array {
    $query = explode('?', $c['target'], 2)[1] ?? '';
    switch ($c['reader']) {
    case 'json': return leaves(json_decode($b, true));
    case 'xml': return markup($b);
    case 'form': return pairs($b);
    case 'query': return pairs($query);
    case 'semicolon': return pairs($query, ';');
    case 'path':
        $p = rawurldecode(explode('?', $c['target'])[0]);
        return [$p, normal($p), normal(rawurldecode($p)), normal(preg_replace('#;[^/]*#', '', $p))];
    }
    return [];
}

function after(string $step, string $v) {
    switch ($step) {
    case 'unquote': return rawurldecode($v);
    case 'unquote_plus': return urldecode($v);
    case 'html': return html_entity_decode($v, ENT_QUOTES | ENT_HTML5);
    case 'base64': return base64_decode($v);
    case 'base64gunzip': return gzdecode(base64_decode($v));
    case 'base64url': return base64_decode(strtr($v, '-_', '+/'));
    case 'hex': return hex2bin($v);
    case 'qp': return quoted_printable_decode($v);
    case 'json': return implode("\n", leaves(json_decode($v, true)));
    case 'utf7': return iconv('UTF-7', 'UTF-8', $v);
    case 'form': return implode("\n", pairs($v));
    case 'xml': return implode("\n", markup($v));
    }
    return '';
}

function was_read(array $c): bool {
    $b = base64_decode($c['body']);
    foreach ($c['before'] ?? [] as $step) {
        if (str_starts_with($step, 'charset:')) $b = iconv(substr($step, 8), 'UTF-8', $b);
        elseif ($step === 'gunzip') $b = gzdecode($b);
        elseif ($step === 'inflate') $b = gzuncompress($b);
        elseif ($step === 'rawinflate') $b = gzinflate($b);
        if ($b === false) return false;
    }
    $got = values($c, $b);
    foreach ($c['after'] ?? [] as $step) $got = array_map(fn($v) => (string) after($step, $v), $got);
    foreach ($got as $v) if (str_contains($v, $c['want'])) return true;
    return false;
}

if (PHP_SAPI === 'cli-server') {
    $want = base64_decode($_SERVER['HTTP_X_WANT'] ?? '');
    $got = leaves([$_GET, $_POST, $_FILES]);
    foreach ($got as $v) if ($want !== '' && str_contains($v, $want)) exit('read');
    exit('not read');
}
echo json_encode(array_map('was_read', json_decode(stream_get_contents(STDIN), true)));

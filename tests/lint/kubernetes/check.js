// Checks rendered manifests: each against its schema, without unknown fields; what they refer to among themselves; what a pod of ours
// must say. Prints the faults of each file as JSON. Usage: node check.js SETTINGS.json FILE.yaml...   (the settings of the programs)
'use strict';
const fs = require('fs');
const yaml = require('yaml');

const settings = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
let docs = []; // of the file that is looked at
let pods = [];
let faults = [];
let about = '';
const fault = (text) => faults.push(`${about}: ${text}`);

// The module that has the class of this apiVersion and kind: "apps/v1" of Kubernetes, "keda.sh/v1alpha1" of KEDA.
function modelOf(doc) {
  for (const library of ['kubernetes-models', '@kubernetes-models/keda']) {
    try {
      return require(`${library}/${doc.apiVersion}/${doc.kind}`)[doc.kind];
    } catch (e) {
      if (e.code !== 'MODULE_NOT_FOUND' && e.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw e;
    }
  }
  return undefined;
}

// The schemas let unknown fields pass, but their code looks at each field that it knows: what it never looked at is unknown.
function watched(value, path, seen) {
  if (value === null || typeof value !== 'object') return value;
  return new Proxy(value, {
    get(target, key) {
      if (typeof key === 'string' && Object.hasOwn(target, key)) seen.add(`${path}/${key}`);
      return watched(target[key], `${path}/${key}`, seen);
    },
  });
}

function unseen(value, path, seen) {
  if (value === null || typeof value !== 'object') return;
  for (const [key, inner] of Object.entries(value)) {
    const here = `${path}/${key}`;
    if (!seen.has(here)) fault(`${here}: no such field`);
    else unseen(inner, here, seen);
  }
}

function checkSchema(doc) {
  const model = modelOf(doc);
  if (model === undefined) return fault('no such apiVersion and kind');
  const seen = new Set();
  const made = new model(doc);
  try {
    made.validate.call(watched(doc, '', seen));
  } catch (e) {
    return fault(e.message);
  }
  return unseen(doc, '', seen);
}

const fits = (selector, labels) =>
  Object.entries(selector.matchLabels || {}).every(([k, v]) => labels[k] === v) &&
  (selector.matchExpressions || []).every((e) => e.operator === 'In' && e.values.includes(labels[e.key]));

const named = (kind, name) => docs.find((d) => d.kind === kind && d.metadata.name === name);
const containersOf = (chosen) => chosen.flatMap((p) => p.spec.containers);

function selected(selector, what) {
  const found = pods.filter((p) => fits(selector, p.metadata.labels));
  if (found.length === 0) fault(`${what} selects no pod: ${JSON.stringify(selector)}`);
  return found;
}

function checkPort(port, chosen, what) {
  const all = containersOf(chosen).flatMap((c) => c.ports || []);
  if (!all.some((p) => p.name === port || p.containerPort === port)) fault(`${what}: no container has the port ${port}`);
}

const containerChecks = {
  'a read-only root': (c) => c.securityContext && c.securityContext.readOnlyRootFilesystem === true,
  'no rise of privileges': (c) => c.securityContext && c.securityContext.allowPrivilegeEscalation === false,
  'no capability': (c) => c.securityContext && c.securityContext.capabilities && `${c.securityContext.capabilities.drop}` === 'ALL',
  'a liveness probe': (c) => c.livenessProbe,
  'a readiness probe': (c) => c.readinessProbe,
  'requests of CPU and memory': (c) => c.resources && c.resources.requests && c.resources.requests.cpu && c.resources.requests.memory,
  'a limit of memory': (c) => c.resources && c.resources.limits && c.resources.limits.memory,
  'an image with a tag': (c) => /:[\w.-]+$/.test(c.image) && !c.image.endsWith(':latest'),
};
const podChecks = {
  'a user that is not root': (p) => p.securityContext && p.securityContext.runAsNonRoot === true && p.securityContext.runAsUser > 0,
  "the runtime's seccomp profile": (p) => p.securityContext && p.securityContext.seccompProfile && p.securityContext.seccompProfile.type === 'RuntimeDefault',
  'no token of a service account': (p) => p.automountServiceAccountToken === false,
  'no service links': (p) => p.enableServiceLinks === false,
};

// Every MARATHON_X (or MARATHON_X_FILE) must be a setting of some program.
function checkSetting(name) {
  if (name.startsWith('MARATHON_') && !settings.includes(name) && !settings.includes(name.replace(/_FILE$/, ''))) {
    fault(`${name}: no program has this setting`);
  }
}

function checkContainer(container, pod) {
  for (const [what, holds] of Object.entries(containerChecks)) if (!holds(container)) fault(`container ${container.name} lacks ${what}`);
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    if (container[probe] && container[probe].httpGet) checkPort(container[probe].httpGet.port, [pod], probe);
  }
  checkReadiness(container);
  for (const variable of container.env || []) checkSetting(variable.name);
  for (const from of container.envFrom || []) {
    if (from.configMapRef && !named('ConfigMap', from.configMapRef.name)) fault(`no ConfigMap ${from.configMapRef.name}`);
  }
}

// What is the same for all pods of a role must not take all of them out of their Service.
function checkReadiness(container) {
  const get = container.readinessProbe && container.readinessProbe.httpGet;
  if (container.command && container.command[0] === 'marathon-gateway' && (!get || get.path !== '/livez')) {
    fault(`readinessProbe: ${get ? get.path : 'it'} fails on all gateways at once while one partition has no owner`);
  }
}

// What a role says that it needs to end must fit into what it is given.
function checkGrace(spec) {
  const seconds = (c) => {
    const of = (name) => Number(((c.env || []).find((v) => v.name === name) || {}).value || 0);
    const before = c.lifecycle && c.lifecycle.preStop ? Number(c.lifecycle.preStop.exec.command[1]) : 0;
    return before + of('MARATHON_DRAIN_SECONDS') + of('MARATHON_DRAIN_TIMEOUT');
  };
  for (const c of spec.containers) {
    if (seconds(c) >= spec.terminationGracePeriodSeconds) fault(`${c.name} drains ${seconds(c)} s, and is killed after ${spec.terminationGracePeriodSeconds} s`);
  }
}

// Whoever has this address of Redis must be let out to each of its ports.
function checkWay(url) {
  const policies = docs.filter((d) => d.kind === 'NetworkPolicy' && fits(d.spec.podSelector, { 'app.kubernetes.io/name': 'marathon-coordinator' }));
  const open = policies.flatMap((d) => d.spec.egress || []).flatMap((rule) => rule.ports || []).map((p) => p.port);
  for (const [, port] of url.matchAll(/:(\d+)\b/g)) if (!open.includes(Number(port))) fault(`no NetworkPolicy lets coordinators out to port ${port} of ${url}`);
}

const checks = {
  Deployment: (d) => {
    const rolling = d.spec.strategy && d.spec.strategy.rollingUpdate;
    if (!rolling || rolling.maxUnavailable !== 0) fault('an update takes pods away before the new ones are ready');
  },
  Service: (d) => {
    const chosen = selected({ matchLabels: d.spec.selector }, 'it');
    for (const port of d.spec.ports) checkPort(port.targetPort, chosen, 'targetPort');
  },
  ConfigMap: (d) => {
    Object.keys(d.data).forEach(checkSetting);
    if (d.data.REDIS_URL) checkWay(d.data.REDIS_URL);
  },
  PodDisruptionBudget: (d) => selected(d.spec.selector, 'it'),
  HorizontalPodAutoscaler: (d) => {
    const target = d.spec.scaleTargetRef;
    const found = named(target.kind, target.name);
    if (!found) fault(`no ${target.kind} ${target.name}`);
    else if (found.spec.replicas !== undefined) fault(`${target.name} has replicas of its own: each apply would set them back`);
  },
  ScaledObject: (d) => {
    const found = named('Deployment', d.spec.scaleTargetRef.name);
    if (!found) return fault(`no Deployment ${d.spec.scaleTargetRef.name}`);
    if (found.spec.replicas !== undefined) fault(`${found.metadata.name} has replicas of its own: each apply would set them back`);
    const slots = found.spec.template.spec.containers[0].env.find((v) => v.name === 'MARATHON_SLOTS').value;
    if (d.spec.triggers[0].metadata.threshold !== slots) fault(`its threshold is not the workers' MARATHON_SLOTS (${slots})`);
    return undefined;
  },
  NetworkPolicy: (d) => {
    const chosen = selected(d.spec.podSelector, 'it');
    const peers = [...(d.spec.ingress || []).flatMap((r) => r.from || []), ...(d.spec.egress || []).flatMap((r) => r.to || [])];
    for (const peer of peers) if (peer.podSelector) selected(peer.podSelector, 'a peer');
    for (const rule of d.spec.ingress || []) for (const p of rule.ports || []) checkPort(p.port, chosen, 'ingress');
    for (const rule of d.spec.egress || []) {
      const to = (rule.to || []).filter((peer) => peer.podSelector).flatMap((peer) => pods.filter((p) => fits(peer.podSelector, p.metadata.labels)));
      if (to.length > 0) for (const p of rule.ports || []) checkPort(p.port, to, 'egress');
    }
  },
};

function checkPod(doc) {
  const spec = doc.spec.template.spec;
  for (const [what, holds] of Object.entries(podChecks)) if (!holds(spec)) fault(`its pod lacks ${what}`);
  if (!fits(doc.spec.selector, doc.spec.template.metadata.labels)) fault('its selector does not fit its own pods');
  spec.containers.forEach((c) => checkContainer(c, doc.spec.template));
  checkGrace(spec);
}

function checkFile(file) {
  faults = [];
  docs = yaml.parseAllDocuments(fs.readFileSync(file, 'utf8')).map((d) => {
    if (d.errors.length > 0) throw d.errors[0];
    return d.toJS();
  });
  pods = docs.filter((d) => d.spec && d.spec.template).map((d) => d.spec.template);
  for (const doc of docs) {
    about = `${doc.kind} ${doc.metadata && doc.metadata.name}`;
    const before = faults.length;
    checkSchema(doc);
    if (faults.length > before) continue; // what is not well formed is not looked into
    if (checks[doc.kind]) checks[doc.kind](doc);
    if (doc.spec && doc.spec.template) checkPod(doc);
  }
  return faults;
}

console.log(JSON.stringify(Object.fromEntries(process.argv.slice(3).map((file) => [file, checkFile(file)]))));
